"""Row D5: a disk that really is full, under the journal and under SQLite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.journal import Journal, abandoned
from tasks.engine.verdict import Verdict
from tasks.vocabulary import Outcome, Status
from tests.deployment import wait_until
from tests.faults.installation import Installation
from tests.faults.private_postgres import needs_sqlite
from tests.faults.small_disk import CannotMount, SmallDisk

pytestmark = pytest.mark.processes


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with SmallDisk.mounted(tmp_path / "disk", size_kb=8 * 1024) as disk:
            yield disk
    except CannotMount as refusal:
        pytest.skip(f"no disk can be mounted here, a full one is not tested: {refusal}")


def verdict(task_id: int) -> Verdict:
    return Verdict(
        task_id=task_id, attempt_number=1, lease_token=uuid.uuid4(), provider="openai",
        status=Status.COMPLETED, outcome=Outcome.SUCCEEDED, attempts=1, result="x" * 1500,
    )  # fmt: skip


def test_journal_on_a_full_disk_keeps_every_line_it_acknowledged(disk: SmallDisk):
    """It raises for the gathering that has no room, and goes on once there is some."""
    journal = Journal(disk.path, "worker")
    journal.keep([verdict(1), verdict(2)])
    disk.fill()
    with pytest.raises(OSError, match="No space left"):
        journal.keep([verdict(number) for number in range(3, 20)])
    disk.make_room()
    journal.keep([verdict(20)])
    journal.close(remove=False)

    with abandoned(disk.path) as kept:
        assert [one.task_id for one in kept] == [1, 2, 20]


def test_full_disk_under_the_journal_stops_no_task(installation: Installation, disk: SmallDisk):
    """The answers go from memory to the database, and the log says what is wrong."""
    installation.deployment.environment["TASKRUNNER_JOURNAL_DIR"] = str(disk.path)
    main = installation.start_cluster()
    disk.fill()
    installation.submit(*(f"prompt {number}" for number in range(30)))

    assert installation.wait_for_end() == {"COMPLETED": 30}
    assert installation.provider.count() == 30
    assert "journal cannot be written" in installation.deployment.log(main)


@needs_sqlite
def test_full_disk_under_sqlite_delays_and_loses_nothing(
    installation: Installation, disk: SmallDisk
):
    """A submit is refused with a line; answers wait in memory and in the journal for room."""
    _move_database(installation, disk)
    installation.provider.hold()
    installation.start_cluster()
    installation.submit(*(f"prompt {number}" for number in range(16)))
    installation.wait_for_calls(16)
    installation.deployment.query("PRAGMA wal_checkpoint(TRUNCATE)")  # room that it would reuse
    disk.fill()
    refused = installation.deployment.manage(
        "submit", "x" * 50_000, TASKRUNNER_PROMPT_MAX_CHARS="100000"
    )
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert "full" in refused.stderr
    installation.provider.release()
    wait_until(lambda: installation.provider.counts()["in_flight"] == 0, 20, "all are answered")
    journal = Path(installation.deployment.environment["TASKRUNNER_JOURNAL_DIR"])
    wait_until(lambda: _lines(journal) > 0, 20, "answers wait in the journal")
    disk.make_room()

    assert installation.wait_for_end(40) == {"COMPLETED": 16}
    assert installation.provider.count() == 16


def _move_database(installation: Installation, disk: SmallDisk) -> None:
    path = disk.path / "db.sqlite3"
    path.write_bytes(Path(installation.deployment.database_path).read_bytes())
    installation.deployment.database_url = f"sqlite:///{path}"
    installation.deployment.environment["DATABASE_URL"] = installation.deployment.database_url


def _lines(journal: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in journal.glob("*.jsonl"))
