"""The hint that there is work: NOTIFY on PostgreSQL; on SQLite `data_version`, looked at when the
kernel tells of a write to the database's log.

A lost hint costs at most the safety poll; nothing but speed depends on it.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Collection
from typing import Protocol

import psycopg
from django.db import connection

if sys.platform == "linux":
    from inotify_simple import INotify, flags

CHANNEL = "taskrunner_due"
_SQLITE_POLL_S = 0.012
# After a write to SQLite's log: its commit is to be seen once the disk has it, which takes from
# less than a millisecond to, on a slow disk, a fifth of a second.
_SQLITE_LOOKS_S = (0.001, 0.002, 0.004, 0.008, *[_SQLITE_POLL_S] * 16)
_SQLITE_LOOKS_IN_A_ROW = _SQLITE_LOOKS_S.index(_SQLITE_POLL_S)
# How many workers rise for one task. Each look costs the server a millisecond, so not all of many;
# that none of so many does happens once in e^8 = 3,000 times, and then the safety poll is there.
_RISE_FOR_A_TASK = 8


def hint(tasks: int | None = None) -> None:
    """Wake the workers once the current transaction has committed: enough of them for so many
    tasks, or all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # PostgreSQL delivers it with the commit
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(tasks or "")])


class Watcher(Protocol):
    """What a drain sleeps on beside its own answers."""

    @property
    def poll_s(self) -> float:
        """How long a sleep may be just now, seconds."""

    crowd: int
    """How many workers hear the same hints."""

    def fileno(self) -> int | None:
        """A descriptor that becomes readable with a hint, if there is one."""

    def has_hint(self) -> bool:
        """True once for the hints since the last look, if this worker is to rise for them."""

    def close(self) -> None: ...


def open_watcher(safety_poll_s: float) -> Watcher:
    """The watcher for the database in use. Raises OperationalError if it is away."""
    if connection.vendor == "postgresql":
        return PostgresWatcher(safety_poll_s)
    return SqliteWatcher(safety_poll_s)


class PostgresWatcher:
    """A connection of its own that LISTENs."""

    def __init__(self, poll_s: float) -> None:
        self.poll_s = poll_s
        self.crowd = 1
        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context", "prepare_threshold"):
            parameters.pop(name, None)  # Django's own, of no use for listening
        parameters["application_name"] = "taskrunner-listen"
        with connection.wrap_database_errors:
            self._connection = psycopg.connect(**parameters, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")

    def fileno(self) -> int:
        return self._connection.fileno()

    def has_hint(self) -> bool:
        with connection.wrap_database_errors:
            hints = [notify.payload for notify in self._connection.notifies(timeout=0)]
        return bool(hints) and self._is_to_rise(hints)

    def _is_to_rise(self, hints: Collection[str]) -> bool:
        """By lot, so that on average a few rise for each task, however many hear of it."""
        if "" in hints:
            return True
        tasks = sum(int(hint) for hint in hints)
        return random.random() * self.crowd < tasks * _RISE_FOR_A_TASK  # noqa: S311 - no secret

    def close(self) -> None:
        self._connection.close()


class SqliteWatcher:
    """`PRAGMA data_version` moves when another connection has committed: 5 µs a look.

    Past Django's wrappers: an idle worker does little else. Where the kernel tells of writes
    (inotify), it is looked at for a while after each, no more often than every few milliseconds;
    elsewhere all the time.
    """

    crowd = 1  # all on one host, and a look costs next to nothing

    def __init__(self, safety_poll_s: float) -> None:
        self._safety_poll_s = safety_poll_s
        connection.ensure_connection()
        self._wrap_errors = connection.wrap_database_errors
        self._look = connection.connection.cursor()
        self._seen = self._data_version()
        self._writes = _watch_writes(f"{connection.settings_dict['NAME']}-wal")
        self._looks = 0  # how many since the last write; past the last: all is quiet

    @property
    def poll_s(self) -> float:
        if self._writes is None:
            return _SQLITE_POLL_S
        return self._safety_poll_s if self._is_quiet else _SQLITE_LOOKS_S[self._looks]

    def fileno(self) -> int | None:
        return self._writes if self._is_quiet else None

    def has_hint(self) -> bool:
        self._note_writes()
        before, self._seen = self._seen, self._data_version()
        return self._seen != before

    def close(self) -> None:
        self._look.close()
        if self._writes is not None:
            os.close(self._writes)
            self._writes = None

    @property
    def _is_quiet(self) -> bool:
        return self._looks >= len(_SQLITE_LOOKS_S)

    def _note_writes(self) -> None:
        if self._writes is None:
            return
        was_quiet, has_written = self._is_quiet, _has_events(self._writes)
        if has_written:
            self._looks = 0 if was_quiet else min(self._looks + 1, _SQLITE_LOOKS_IN_A_ROW)
        elif not was_quiet:
            self._looks += 1

    def _data_version(self) -> int:
        with self._wrap_errors:
            (version,) = self._look.execute("PRAGMA data_version").fetchone()
        return int(version)


def _watch_writes(path: str) -> int | None:
    """A descriptor that is readable once somebody wrote to this file; None: not on this system, or
    there is no such file. The file itself is not opened, for closing it would end SQLite's locks.
    """
    if sys.platform != "linux":
        return None
    try:
        with INotify(nonblocking=True) as inotify:
            inotify.add_watch(path, flags.MODIFY)
            return os.dup(inotify.fileno())
    except OSError:  # a host has only so many of them
        return None


def _has_events(fd: int) -> bool:
    """Takes them; a burst that is larger than the buffer leaves some for the next time."""
    try:
        return bool(os.read(fd, 4096))
    except BlockingIOError:
        return False
