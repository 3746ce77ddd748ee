"""Rows P1 to P9 of the fault list: whatever is killed, nothing is lost and nothing paid unseen."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.deployment import wait_until
from tests.fakes.behaviour import Behaviour, Fault
from tests.faults.installation import Installation, children_of, family_of, is_alive, kill, moment
from tests.faults.private_postgres import needs_postgres

pytestmark = pytest.mark.processes

LEASE_S = 2.0


def prompts(count: int) -> list[str]:
    return [f"prompt {number}" for number in range(count)]


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_killed_worker_costs_its_tasks_one_unknown_attempt_each(installation: Installation):
    """P1."""
    installation.provider.hold()
    installation.start_cluster()
    ids = installation.submit(*prompts(12))
    installation.wait_for_calls(12)
    victim = installation.drains()[0]
    kill(victim)
    installation.provider.release()

    assert installation.wait_for_end(LEASE_S + 15) == {"COMPLETED": 12}
    for number, task_id in enumerate(ids):
        outcomes = installation.outcomes(task_id)
        assert outcomes in (["succeeded"], ["unknown", "succeeded"])
        assert installation.provider.count(prompt=f"prompt {number}") == len(outcomes)
        assert installation.task(task_id, "attempts") == (len(outcomes),)


@pytest.mark.parametrize("how_many", [1, 2])
def test_killed_idle_workers_do_not_stop_the_cluster(installation: Installation, how_many: int):
    """P2: the next task starts within 2 s of the refork, by the database's clock."""
    installation.start_cluster()
    before = installation.drains()
    (waiting,) = installation.submit("hello", run_after=later(1.0))
    kill(*before[:how_many])
    wait_until(lambda: len(set(installation.drains()) - set(before)) == how_many, 30, "reforked")
    reforked = installation.deployment.query("SELECT max(started_at) FROM tasks_worker")[0][0]

    assert installation.wait_for_end(10) == {"COMPLETED": 1}
    due, started = installation.task(waiting, "run_after", "started_at")
    assert moment(started) - max(moment(reforked), moment(due)) <= timedelta(seconds=2)


def test_killed_helpers_of_the_cluster_make_no_task_run_twice(installation: Installation):
    """P3: the sentinel's children that are no drains are django-q2's monitor and pusher."""
    installation.provider.set_latency(0.5)
    main = installation.start_cluster()
    (sentinel,) = children_of(main.pid)
    helpers = set(children_of(sentinel)) - set(installation.drains())
    assert len(helpers) == 2
    ids = installation.submit(*prompts(30))
    installation.wait_for_calls(4)
    kill(*helpers)

    assert installation.wait_for_end() == {"COMPLETED": 30}
    assert installation.provider.count() == 30
    assert all(installation.outcomes(task_id) == ["succeeded"] for task_id in ids)
    wait_until(lambda: len(children_of(sentinel)) == 4, 30, "helpers reforked")
    kill(installation.drains()[0])  # and the new pusher still serves new workers
    wait_until(lambda: len(installation.drains()) == 2, 30, "a new drain")


@pytest.mark.parametrize("victim", ["main", "sentinel"])
def test_nobody_outlives_the_head_of_the_cluster(installation: Installation, victim: str):
    """P4. What was in flight is given back at once, not after the lease."""
    installation.provider.set_latency(30)
    main = installation.start_cluster()
    family, drains = family_of(main.pid), installation.drains()
    (sentinel,) = children_of(main.pid)
    installation.submit(*prompts(4))
    installation.wait_for_calls(4)
    kill(main.pid if victim == "main" else sentinel)

    wait_until(lambda: not any(is_alive(pid) for pid in drains), 2, "the drains have left")
    wait_until(lambda: not any(is_alive(pid) for pid in family), 4, "everybody has left")
    if victim == "sentinel":
        assert main.wait(5) == 1
    assert installation.statuses() == {"PENDING": 4}


def test_whole_group_killed_twenty_times_over_five_hundred_tasks(installation: Installation):
    """P5. A cluster gets ten answers; what it calls beyond these hangs until the blow falls."""
    installation.provider.set_latency(60)
    ids = installation.submit(*prompts(500), max_attempts=25)
    for _ in range(20):
        installation.provider.script(*[Behaviour(latency_s=0.05)] * 10)
        called, done = installation.provider.count(), installation.statuses()["COMPLETED"]
        main = installation.start_cluster()
        installation.wait_for_calls(called + 14)
        wait_until(lambda done=done: installation.statuses()["COMPLETED"] > done, 30, "an answer")
        kill(*family_of(main.pid))
        main.wait(5)
    assert installation.statuses()["PENDING"] > 50  # each blow fell among work
    installation.provider.set_latency(0)
    installation.start_cluster()

    assert installation.wait_for_end(60) == {"COMPLETED": 500}
    calls = installation.provider.counts()["by_prompt"]
    for number, task_id in enumerate(ids):
        *lost, last = installation.outcomes(task_id)
        assert (set(lost) <= {"unknown"}, last) == (True, "succeeded")
        assert 1 <= calls[f"prompt {number}"] <= 1 + len(lost)


def test_stop_in_mid_call_finishes_what_can_be_finished(installation: Installation):
    """P7: the calls end within the grace time."""
    installation.provider.hold()
    main = installation.start_cluster()
    installation.submit(*prompts(6))
    installation.wait_for_calls(6)
    main.send_signal(signal.SIGTERM)
    log, leaving = installation.deployment.log, "drain leaving"
    wait_until(lambda: log(main).count(leaving) == 2, 5, "both drains know")  # 6 s are left to them
    installation.provider.release()

    assert main.wait(9) == 0
    assert installation.statuses() == {"COMPLETED": 6}
    assert installation.provider.count() == 6


@pytest.mark.parametrize("target", ["main", "group"])
def test_stop_in_mid_call_releases_the_rest_unspent(installation: Installation, target: str):
    """P7: a call that outlasts the grace time is given back, its attempt not counted."""
    installation.provider.script(Behaviour(fault=Fault.HANG), prompt_contains="slow")
    main = installation.start_cluster()
    family = family_of(main.pid)
    (task_id,) = installation.submit("slow")
    installation.wait_for_calls(1)
    if target == "main":
        main.send_signal(signal.SIGTERM)
    else:
        os.killpg(main.pid, signal.SIGTERM)

    assert main.wait(10) == 0
    assert not any(is_alive(pid) for pid in family)
    assert installation.task(task_id, "status", "attempts") == ("PENDING", 0)
    assert installation.outcomes(task_id) == ["unknown"]
    assert installation.deployment.query("SELECT count(*) FROM tasks_worker") == [(0,)]
    installation.start_cluster()
    assert installation.wait_for_end() == {"COMPLETED": 1}
    assert installation.task(task_id, "attempts") == (1,)


def test_late_result_of_a_frozen_worker_is_refused_and_logged(installation: Installation):
    """P8."""
    installation.deployment.environment["TASKRUNNER_WORKERS"] = "1"
    installation.provider.script(Behaviour(text="late"), Behaviour(text="in time"))
    installation.provider.hold()
    installation.start_cluster()
    (frozen,) = installation.drains()
    (task_id,) = installation.submit("hello")
    installation.wait_for_calls(1)
    os.kill(frozen, signal.SIGSTOP)
    installation.provider.release()
    installation.start_cluster()
    assert installation.wait_for_end(LEASE_S + 15) == {"COMPLETED": 1}
    os.kill(frozen, signal.SIGCONT)

    def is_logged() -> bool:
        query = "SELECT is_late FROM tasks_attempt WHERE task_id = %s AND number = 1"
        return bool(installation.deployment.query(query, (task_id,))[0][0])

    wait_until(is_logged, 45, "the late answer is on its attempt")
    assert installation.task(task_id, "status", "result") == ("COMPLETED", "in time")
    assert installation.outcomes(task_id) == ["succeeded", "succeeded"]


@needs_postgres
def test_worker_frozen_within_a_transaction_keeps_its_rows_from_nobody(installation: Installation):
    """P8. One call is in flight and the next task's claim is held up; the worker outlives both."""
    installation.deployment.environment["TASKRUNNER_WORKERS"] = "1"
    installation.provider.script(Behaviour(text="late"), Behaviour(text="in time"))
    installation.provider.hold()
    installation.start_cluster()
    (frozen,) = installation.drains()
    installation.submit("called")
    installation.wait_for_calls(1)
    with psycopg.connect(installation.deployment.database_url) as blocking:
        blocking.execute("LOCK TABLE tasks_attempt IN EXCLUSIVE MODE")
        (claimed,) = installation.submit("claimed")
        wait_until(lambda: _sessions(installation, "wait_event_type = 'Lock'"), 30, "a claim waits")
        os.kill(frozen, signal.SIGSTOP)
    wait_until(lambda: _sessions(installation, "state = 'idle in transaction'"), 30, "it is silent")
    installation.provider.release()
    installation.start_cluster()

    assert installation.wait_for_end(LEASE_S + 15) == {"COMPLETED": 2}
    assert installation.outcomes(claimed) == ["succeeded"]
    assert installation.provider.count(prompt="claimed") == 1
    os.kill(frozen, signal.SIGCONT)
    late = "SELECT 1 FROM tasks_attempt WHERE is_late"
    wait_until(lambda: installation.deployment.query(late), 45, "the late answer is kept")
    assert frozen in installation.drains()


def _sessions(installation: Installation, state: str) -> int:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {state}"
    return int(installation.deployment.query(query)[0][0])


def test_task_that_kills_its_worker_each_time_fails_in_the_end(installation: Installation):
    """P9: others are unharmed."""
    installation.deployment.environment["TASKRUNNER_LEASE"] = "1"
    installation.provider.script(Behaviour(fault=Fault.HANG), prompt_contains="poison", repeat=True)
    installation.start_cluster()
    (poison,) = installation.submit("poison", max_attempts=3)
    for call in range(1, 4):
        installation.wait_for_calls(call)
        holder = installation.deployment.query(
            "SELECT worker FROM tasks_attempt WHERE task_id = %s ORDER BY number DESC", (poison,)
        )[0][0]
        kill(int(holder.split("-")[-2]))
        wait_until(
            lambda call=call: installation.outcomes(poison)[:call] == ["unknown"] * call,
            30, "the attempt is unknown",
        )  # fmt: skip
    installation.submit(*prompts(5))

    assert installation.wait_for_end() == {"FAILED": 1, "COMPLETED": 5}
    assert installation.task(poison, "error_code", "attempts") == ("worker_lost", 3)
    assert installation.provider.count(prompt="poison") == 3
