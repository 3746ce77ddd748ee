"""Rows D1 to D7 of the fault list: the database goes away, is slow, or is behind."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.deployment import wait_until
from tests.faults.installation import Installation, family_of, kill, moment
from tests.faults.private_postgres import needs_postgres, needs_sqlite

pytestmark = pytest.mark.processes

_TERMINATE_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def prompts(count: int) -> list[str]:
    return [f"prompt {number}" for number in range(count)]


@needs_postgres
def test_answers_that_arrive_during_an_outage_are_written_afterwards(stoppable):
    """D1: the server crashes with 32 calls in flight and stays away while they are answered."""
    installation, server = stoppable
    installation.provider.hold()
    installation.start_cluster()
    ids = installation.submit(*prompts(32))
    installation.wait_for_calls(32)
    server.stop("immediate")
    installation.provider.release()
    journal = installation.deployment.folder / "journal"
    wait_until(lambda: _lines(journal) == 32, 20, "all answers are in the journal")
    deadline = time.monotonic() + 4  # and then some: the outage outlasts the answers
    wait_until(lambda: time.monotonic() > deadline, 10)
    server.start()

    assert installation.wait_for_end(20) == {"COMPLETED": 32}
    assert installation.provider.count() == 32
    assert all(installation.outcomes(task_id) == ["succeeded"] for task_id in ids)


@needs_postgres
def test_answers_outlive_their_worker_when_both_it_and_the_database_die(stoppable):
    """D1 and P1 together: the next worker replays the journal that the killed one left."""
    installation, server = stoppable
    installation.provider.hold()
    main = installation.start_cluster()
    installation.submit(*prompts(20))
    installation.wait_for_calls(20)
    server.stop("immediate")
    installation.provider.release()
    wait_until(lambda: _lines(installation.deployment.folder / "journal") == 20, 20, "journal")
    kill(*family_of(main.pid))
    server.start()
    installation.start_cluster()

    assert installation.wait_for_end(20) == {"COMPLETED": 20}
    assert installation.provider.count() == 20


def _lines(journal: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in journal.glob("*.jsonl"))


@needs_postgres
def test_terminated_connections_lose_no_answer(installation: Installation):
    """D2: again and again, while answers arrive."""
    installation.deployment.environment["TASKRUNNER_LEASE"] = "10"
    installation.provider.set_latency(0.3)
    installation.start_cluster()
    installation.submit(*prompts(120))
    for calls in (10, 40, 70, 100):
        installation.wait_for_calls(calls)
        installation.deployment.query(_TERMINATE_ALL)

    assert installation.wait_for_end(40) == {"COMPLETED": 120}
    repeated = installation.deployment.query("SELECT count(*) FROM tasks_task WHERE claims > 1")
    lost_claims = installation.deployment.query(
        "SELECT count(*) FROM tasks_attempt WHERE outcome = 'unknown'"
    )
    # A claim whose commit was cut off is never called; only such tasks have a second attempt.
    assert repeated == lost_claims
    assert installation.provider.count() == 120


@needs_postgres
def test_cluster_claims_again_soon_after_its_connections_were_terminated(
    installation: Installation,
):
    """D2: within 3 s, by the database's clock, of a task that is due when they are cut."""
    installation.start_cluster()
    (task_id,) = installation.submit("after", run_after="2100-01-01T00:00:00Z")
    (cut_at,) = installation.deployment.query(
        "UPDATE tasks_task SET wake_at = clock_timestamp() RETURNING wake_at"
    )[0]
    installation.deployment.query(_TERMINATE_ALL)

    assert installation.wait_for_end() == {"COMPLETED": 1}
    (started,) = installation.task(task_id, "started_at")
    assert moment(started) - moment(cut_at) <= timedelta(seconds=3)


def test_cluster_refuses_to_start_without_its_database(installation: Installation):
    """D3."""
    away = (
        "postgres://postgres@127.0.0.1:9/nothing"
        if installation.deployment.database_url.startswith("postgres")
        else "sqlite:////nonexistent/folder/db.sqlite3"
    )

    done = installation.deployment.manage("qcluster", DATABASE_URL=away)

    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_cluster_refuses_to_start_on_pending_migrations(installation: Installation):
    """D7."""
    installation.deployment.query("DELETE FROM django_migrations WHERE app = 'tasks'")

    done = installation.deployment.manage("qcluster")

    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr


@needs_sqlite
def test_long_reader_and_locked_file_only_delay(installation: Installation):
    """D4: four drains write while one reader stays open and a writer holds the lock for a while;
    a submit comes into the midst of it."""
    installation.provider.set_latency(0.1)
    installation.start_cluster(TASKRUNNER_WORKERS="4", TASKRUNNER_LEASE="10")
    path = installation.deployment.database_path
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tasks_task").fetchone()
    is_locked = threading.Event()

    def hold_the_lock() -> None:
        writer = sqlite3.connect(path, timeout=20, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        is_locked.set()
        deadline = time.monotonic() + 3
        wait_until(lambda: time.monotonic() > deadline, 5)
        writer.execute("COMMIT")
        writer.close()

    installation.submit(*prompts(60))
    holder = threading.Thread(target=hold_the_lock)
    holder.start()
    assert is_locked.wait(20)
    submit = installation.deployment.manage("submit", "hello", "--provider", "openai")
    assert (submit.returncode, "locked" in submit.stderr) == (0, False), submit.stderr

    assert installation.wait_for_end(40) == {"COMPLETED": 61}
    holder.join()
    reader.close()
    assert installation.provider.count() == 61
    for process in installation.deployment.processes:
        assert "locked" not in installation.deployment.log(process)
