from __future__ import annotations

import errno
import os
from decimal import Decimal
from uuid import uuid4

import pytest

from tasks.engine.journal import Journal, abandoned
from tasks.engine.verdict import Verdict
from tasks.vocabulary import Outcome, Status


def make_verdict(number: int = 1) -> Verdict:
    return Verdict(
        task_id=number, attempt_number=number, lease_token=uuid4(), provider="openai",
        status=Status.COMPLETED,
        outcome=Outcome.SUCCEEDED, attempts=1, result="line\nbreak \u2028 \u00e9",
        cost_usd=Decimal("0.1"),
    )  # fmt: skip


def test_what_a_lost_worker_kept_is_read_back_to_the_letter(tmp_path):
    verdicts = [make_verdict(1), make_verdict(2)]
    journal = Journal(tmp_path, "lost")
    journal.keep(verdicts)
    journal.close(remove=False)

    with abandoned(tmp_path) as found:
        assert found == verdicts
    assert list(tmp_path.iterdir()) == []


def test_journal_of_a_living_worker_is_left_alone(tmp_path):
    journal = Journal(tmp_path, "alive")
    journal.keep([make_verdict()])

    with abandoned(tmp_path) as found:
        assert found == []
    assert journal.path.exists()


def test_files_stay_when_the_replay_fails(tmp_path):
    journal = Journal(tmp_path, "lost")
    journal.keep([make_verdict()])
    journal.close(remove=False)

    def replay() -> None:
        with abandoned(tmp_path):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        replay()

    with abandoned(tmp_path) as found:
        assert len(found) == 1


def test_torn_last_line_is_skipped_and_the_rest_is_kept(tmp_path):
    journal = Journal(tmp_path, "torn")
    journal.keep([make_verdict(7)])
    journal.close(remove=False)
    with journal.path.open("ab") as file:
        file.write(b'{"task_id": 8, "attem')

    with abandoned(tmp_path) as found:
        assert [verdict.task_id for verdict in found] == [7]


def test_forgotten_answers_are_not_replayed(tmp_path):
    journal = Journal(tmp_path, "worker")
    journal.keep([make_verdict(1)])
    journal.forget()
    journal.keep([make_verdict(2)])
    journal.close(remove=False)

    with abandoned(tmp_path) as found:
        assert [verdict.task_id for verdict in found] == [2]


def test_full_disk_leaves_the_lines_that_were_written(tmp_path, monkeypatch):
    journal = Journal(tmp_path, "worker")
    journal.keep([make_verdict(1)])
    real_write = os.write

    def write_half_then_fail(fd: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_half_then_fail)
        with pytest.raises(OSError, match="No space"):
            journal.keep([make_verdict(2)])
    journal.keep([make_verdict(3)])
    journal.close(remove=False)

    with abandoned(tmp_path) as found:
        assert [verdict.task_id for verdict in found] == [1, 3]
