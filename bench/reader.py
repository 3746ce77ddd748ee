"""The task table as somebody outside sees it: what is committed, and when."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import psycopg

_LEFT = "SELECT EXISTS(SELECT 1 FROM tasks_task WHERE status IN ('PENDING', 'PROCESSING'))"
_LOOK_EVERY_S = 0.01


class Reader:
    """One connection that stays open, so that a look costs next to nothing."""

    def __init__(self, database_url: str) -> None:
        self.backend_pid: int | None = None
        self._connection: Any
        if database_url.startswith("sqlite"):
            path = database_url.removeprefix("sqlite:///")
            self._connection = sqlite3.connect(path, timeout=20, isolation_level=None)
        else:
            self._connection = psycopg.connect(database_url, autocommit=True)
            self._connection.execute("SET enable_seqscan = off")
            self.backend_pid = self._connection.info.backend_pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(statement).fetchall())

    def wait_for(self, statement: str, wanted: Any, timeout_s: float) -> float:
        """CLOCK_MONOTONIC when the statement's first value was seen to be `wanted`."""
        deadline = time.monotonic() + timeout_s
        while self.query(statement)[0][0] != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {timeout_s:g} s: {statement} = {wanted}")
            time.sleep(_LOOK_EVERY_S)
        return time.monotonic()

    def wait_for_end(self, timeout_s: float = 300) -> float:
        """CLOCK_MONOTONIC when no task was seen to be left, 10 ms late at most."""
        return self.wait_for(_LEFT, 0, timeout_s)


def seconds(moment: datetime | str) -> float:
    """SQLite hands out text, in UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment.timestamp()
