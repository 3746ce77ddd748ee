"""Row D6: two hosts whose clocks are 120 s apart. The database's clock rules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.deployment import ROOT, wait_until
from tests.faults.installation import Installation, family_of, kill
from tests.faults.private_postgres import needs_postgres

pytestmark = [pytest.mark.processes, needs_postgres]  # SQLite lives on one host

_WRONG_CLOCK = Path(__file__).parent / "wrong_clock"


def clock_off_by(seconds: int) -> dict[str, str]:
    """The environment of a host whose wall clock is wrong by so much."""
    wrong = {"PYTHONPATH": f"{_WRONG_CLOCK}:{ROOT}", "CLOCK_OFF_BY_S": str(seconds)}
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(asked, env=wrong, capture_output=True, text=True, check=True).stdout
    assert abs(float(told) - time.time() - seconds) < 50, "the clock is not wrong at all"
    return wrong


def test_wrong_clocks_take_no_lease_from_a_worker_that_lives(installation: Installation):
    """Three hosts; calls of two leases' length. The one that is ahead would think that the others'
    lapsed long ago, and they that the one behind lets its own lapse."""
    installation.deployment.environment |= {"TASKRUNNER_WORKERS": "1", "TASKRUNNER_LEASE": "5"}
    installation.provider.set_latency(10.0)
    for seconds in (0, 120, -120):
        installation.start_cluster(**(clock_off_by(seconds) if seconds else {}))
    ids = installation.submit(*(f"prompt {number}" for number in range(40)))

    assert installation.wait_for_end(60) == {"COMPLETED": 40}
    assert {tuple(installation.outcomes(task_id)) for task_id in ids} == {("succeeded",)}
    assert installation.provider.count() == 40
    holders = installation.deployment.query("SELECT DISTINCT worker FROM tasks_attempt")
    assert len(holders) == 3
    shortest, longest, farthest_s = installation.deployment.query(
        "SELECT min(finished_at - started_at), max(finished_at - started_at), "
        "max(abs(extract(epoch FROM now() - finished_at))) FROM tasks_attempt"
    )[0]
    assert timedelta(seconds=9.9) < shortest <= longest < timedelta(seconds=50)
    assert farthest_s < 100  # every time is the database's


def test_clock_that_is_behind_does_not_delay_the_rescue(installation: Installation):
    """A frozen worker's task is taken over by the other host once its lease is over, not before."""
    installation.deployment.environment["TASKRUNNER_WORKERS"] = "1"
    installation.provider.hold()
    first = installation.start_cluster()
    (task_id,) = installation.submit("hello")
    installation.wait_for_calls(1)
    (drain,) = installation.drains()
    os.kill(drain, signal.SIGSTOP)
    (lapses_at,) = installation.task(task_id, "lease_expires_at")
    installation.start_cluster(**clock_off_by(-120))

    wait_until(lambda: installation.provider.count() == 2, 60, "the other host takes over")
    installation.provider.release()
    kill(*family_of(first.pid))
    assert installation.wait_for_end() == {"COMPLETED": 1}
    second_start = installation.deployment.query(
        "SELECT started_at FROM tasks_attempt WHERE task_id = %s AND number = 2", (task_id,)
    )[0][0]
    assert timedelta(0) <= second_start - lapses_at < timedelta(seconds=25)
