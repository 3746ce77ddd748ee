"""Answers that are not in the database yet, on local disk: paid for, so not to be lost.

One file a worker, one JSON line a verdict, one write and one fsync a gathering. A worker holds a
lock on its file; a file without one was left by a killed worker and is replayed by the next that
looks. A torn last line was never acknowledged to anyone and is skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from tasks.engine.verdict import Verdict

log = structlog.get_logger(__name__)


class Journal:
    """The open journal of one worker. Raises OSError where the folder cannot be written."""

    def __init__(self, folder: Path, worker: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{worker}.jsonl"
        self._fd = _create_locked(self.path)
        self._size = os.fstat(self._fd).st_size

    def keep(self, verdicts: Iterable[Verdict]) -> None:
        """On disk once this returns. A disk that is full leaves what was there untouched.

        Raises: OSError; nothing of these verdicts is kept then.
        """
        lines = b"".join(json.dumps(v.to_json()).encode() + b"\n" for v in verdicts)
        try:
            _write_all(self._fd, lines)
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(lines)

    def forget(self) -> None:
        """All that was kept is in the database."""
        if self._size:
            os.ftruncate(self._fd, 0)
            self._size = 0

    def close(self, *, remove: bool) -> None:
        """remove: nothing is left in it that anybody needs."""
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._fd)


@contextmanager
def abandoned(folder: Path) -> Iterator[list[Verdict]]:
    """The verdicts that killed workers left in `folder`; their files go when the block succeeds.

    The files stay locked meanwhile, so two workers never replay the same one.
    """
    held: list[tuple[Path, int]] = []
    verdicts: list[Verdict] = []
    try:
        for path in sorted(folder.glob("*.jsonl")):
            fd = _lock_if_abandoned(path)
            if fd is not None:
                held.append((path, fd))
                verdicts.extend(_read(path))
        yield verdicts
        for path, _ in held:
            path.unlink(missing_ok=True)
    finally:
        for _, fd in held:
            os.close(fd)


def _create_locked(path: Path) -> int:
    """Another worker may take the new file for an abandoned one before it is locked: again then."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(fd).st_ino:
            return fd
        os.close(fd)


def _lock_if_abandoned(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if not path.exists():  # replayed and removed by another worker between open and lock
        os.close(fd)
        return None
    return fd


def _read(path: Path) -> Iterator[Verdict]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            yield Verdict.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError):
            log.warning("journal line skipped", file=path.name, line=number)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
