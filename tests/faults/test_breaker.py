"""V9: the breaker that all workers share opens, lets one probe go, closes when that is answered."""

from __future__ import annotations

import json

import pytest

from tests.deployment import wait_until
from tests.fakes.behaviour import Behaviour, Fault
from tests.faults.installation import Installation, kill

pytestmark = pytest.mark.processes
TASKS = 12
_PROBE_IS_DUE = """
from tasks.models import ProviderState, Task
state = ProviderState.objects.get(name="openai")
state.breaker_json = {**state.breaker_json, "until": 0.0}
state.save()
Task.objects.filter(status="PENDING").update(wake_at=None)
"""


@pytest.fixture
def shut(installation: Installation) -> Installation:
    """Two clusters of one worker each, in front of a provider that has failed until it was shut."""
    installation.deployment.environment |= {
        "TASKRUNNER_WORKERS": "1", "TASKRUNNER_FAILOVER": "", "TASKRUNNER_MAX_ATTEMPTS": "50",
        "TASKRUNNER_CALL_TIMEOUT": "3", "TASKRUNNER_RETRY_CAP": "0.2",
    }  # fmt: skip
    installation.provider.script(Behaviour(status=500), repeat=True)
    installation.submit(*(f"prompt {number}" for number in range(TASKS)))
    for _ in range(2):
        installation.start_cluster()
    wait_until(lambda: breaker(installation) == "open", 30, "the breaker opens")
    assert installation.provider.count() >= 5
    parked = "SELECT count(*) FROM tasks_task WHERE waiting_reason LIKE '%%breaker open: %%'"
    wait_until(lambda: installation.deployment.query(parked) == [(TASKS,)], 20, "all are parked")
    return installation


def breaker(installation: Installation) -> str:
    rows = installation.deployment.query("SELECT breaker_json FROM tasks_providerstate")
    found = rows[0][0] if rows else "{}"
    state = json.loads(found) if isinstance(found, str) else found
    return str(state.get("state", "closed"))


def make_the_probe_due(installation: Installation) -> None:
    """As if the breaker's 30 s were over."""
    assert installation.deployment.manage("shell", "-c", _PROBE_IS_DUE).returncode == 0


def test_one_probe_goes_for_two_clusters_and_its_answer_closes_the_breaker(
    shut: Installation,
) -> None:
    shut.provider.reset()
    shut.provider.set_latency(0.5)

    make_the_probe_due(shut)

    assert shut.wait_for_end(30) == {"COMPLETED": TASKS}
    moments = sorted(
        (one["received_at"], one["ended_at"]) for one in shut.provider.log()["requests"]
    )
    assert len(moments) == TASKS
    assert moments[1][0] > moments[0][1]  # nobody came before the probe was answered
    assert breaker(shut) == "closed"


def test_probe_that_died_with_its_worker_is_followed_by_another_one(shut: Installation) -> None:
    shut.provider.reset()
    shut.provider.script(Behaviour(fault=Fault.HANG))
    make_the_probe_due(shut)
    shut.wait_for_calls(1)
    probing = (
        "SELECT w.pid FROM tasks_worker w JOIN tasks_attempt a ON a.worker = w.name "
        "WHERE a.outcome = ''"
    )
    ((worker,),) = wait_until(lambda: shut.deployment.query(probing), 20, "the probe's worker")

    kill(worker)

    assert shut.wait_for_end(60) == {"COMPLETED": TASKS}
    first, second, *_ = sorted(one["received_at"] for one in shut.provider.log()["requests"])
    assert second - first > 2  # the dead one's place was kept for as long as it might have lived
    assert breaker(shut) == "closed"
