"""The hint that there is work: NOTIFY on PostgreSQL, `data_version` watched on SQLite.

A lost hint costs at most the safety poll; nothing but speed depends on it.
"""

from __future__ import annotations

from typing import Protocol

import psycopg
from django.db import connection

CHANNEL = "taskrunner_due"
_SQLITE_POLL_S = 0.012


def hint() -> None:
    """Wake the workers once the current transaction has committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")  # PostgreSQL delivers it with the commit


class Watcher(Protocol):
    """What a drain sleeps on beside its own answers."""

    poll_s: float
    """How long a sleep may be, seconds."""

    def fileno(self) -> int | None:
        """A descriptor that becomes readable with a hint, if there is one."""

    def has_hint(self) -> bool:
        """True once for each hint since the last look."""

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
            return len(list(self._connection.notifies(timeout=0))) > 0

    def close(self) -> None:
        self._connection.close()


class SqliteWatcher:
    """`PRAGMA data_version` moves when another connection has committed: 5 µs a look."""

    poll_s = _SQLITE_POLL_S

    def __init__(self) -> None:
        self._seen = self._data_version()

    def fileno(self) -> None:
        return None

    def has_hint(self) -> bool:
        before, self._seen = self._seen, self._data_version()
        return self._seen != before

    def close(self) -> None:
        return None

    def _data_version(self) -> int:
        connection.ensure_connection()
        (version,) = connection.connection.execute("PRAGMA data_version").fetchone()
        return int(version)
