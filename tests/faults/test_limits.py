"""Limits that all clusters share: processes that know nothing of each other keep them together."""

from __future__ import annotations

import pytest

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
