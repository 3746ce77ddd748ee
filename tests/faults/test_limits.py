"""Limits that all clusters share: processes that know nothing of each other keep them together."""

from __future__ import annotations

import pytest

from tests.deployment import wait_until
from tests.fakes.behaviour import Behaviour
from tests.faults.installation import Installation

pytestmark = pytest.mark.processes


def test_two_clusters_share_one_minute(installation: Installation):
    """600 a minute: 60 may go at once, then nine a second, whoever sends them."""
    installation.deployment.environment |= {
        "TASKRUNNER_RPM_OPENAI": "600",
        "TASKRUNNER_WORKERS": "1",
        "TASKRUNNER_CONCURRENCY": "64",
    }
    for _ in range(2):
        installation.start_cluster()
    installation.submit(*(f"prompt {number}" for number in range(90)))

    assert installation.wait_for_end(20) == {"COMPLETED": 90}
    moments = sorted(one["received_at"] for one in installation.provider.log()["requests"])
    assert len(moments) == 90
    assert moments[-1] - moments[0] >= 30 / 9 - 0.5
    for first in moments:
        in_two_seconds = sum(first <= moment < first + 2 for moment in moments)
        assert in_two_seconds <= 60 + 2 * 9 + 5
    workers = installation.deployment.query("SELECT count(DISTINCT worker) FROM tasks_attempt")
    assert workers == [(2,)]
    attempts = installation.deployment.query("SELECT max(attempts), max(claims) FROM tasks_task")
    assert attempts == [(1, 1)]


def test_budget_holds_while_a_hundred_tasks_run_at_once(installation: Installation):
    """V13: each answer costs 0.0005 USD of the 0.01, each call reserves a fifth more."""
    installation.provider.script(
        Behaviour(prompt_tokens=0, completion_tokens=1_000), prompt_contains="prompt", repeat=True
    )
    installation.provider.set_latency(0.1)
    installation.start_cluster(TASKRUNNER_DAILY_BUDGET_USD="0.01", TASKRUNNER_CONCURRENCY="100")
    installation.submit(*(f"prompt {number}" for number in range(100)), max_tokens=1_200)
    waiting = "SELECT count(*) FROM tasks_task WHERE held_by = 'budget'"
    settled = "SELECT count(*) FROM tasks_attempt WHERE outcome = 'succeeded'"
    wait_until(
        lambda: installation.deployment.query(waiting) == [(81,)]
        and installation.deployment.query(settled) == [(19,)],
        20, "all that fits",
    )  # fmt: skip

    assert installation.provider.count() == 19  # the twentieth may cost more than is left
    assert installation.deployment.query("SELECT sum(cost_usd) FROM tasks_task")[0][0] <= 0.01
    reasons = installation.deployment.query(
        "SELECT DISTINCT attempts, waiting_reason LIKE 'daily budget of 0.01 USD%%' "
        "FROM tasks_task WHERE status = 'PENDING'"
    )
    assert [(attempts, bool(is_told)) for attempts, is_told in reasons] == [(0, True)]
