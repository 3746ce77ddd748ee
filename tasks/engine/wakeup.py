"""The hint that there is work: NOTIFY on PostgreSQL, `data_version` watched on SQLite.

A lost hint costs at most the safety poll; nothing but speed depends on it.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Protocol

import psycopg
from django.db import connection

CHANNEL = "taskrunner_due"
_SQLITE_POLL_S = 0.012
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

    poll_s: float
    """How long a sleep may be, seconds."""
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
    return SqliteWatcher()


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

    Past Django's wrappers: an idle worker does little else.
    """

    poll_s = _SQLITE_POLL_S
    crowd = 1  # all on one host, and a look costs next to nothing

    def __init__(self) -> None:
        connection.ensure_connection()
        self._wrap_errors = connection.wrap_database_errors
        self._look = connection.connection.cursor()
        self._seen = self._data_version()

    def fileno(self) -> None:
        return None

    def has_hint(self) -> bool:
        before, self._seen = self._seen, self._data_version()
        return self._seen != before

    def close(self) -> None:
        self._look.close()

    def _data_version(self) -> int:
        with self._wrap_errors:
            (version,) = self._look.execute("PRAGMA data_version").fetchone()
        return int(version)
