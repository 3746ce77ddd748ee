"""The CPU of a PostgreSQL server on this machine, as far as one database caused it."""

from __future__ import annotations

import threading
from typing import Self
from urllib.parse import urlsplit

import psycopg

from bench.processes import children_of, cpu_of, parent_of, title_of

_BACKGROUND = ("walwriter", "background writer", "checkpointer")
_LOOK_EVERY_S = 0.1


class ServerCpu:
    """Adds up, while it is open, what the backends of a database and the writers behind them use.

    A backend that ends keeps what it had at the last look, a tenth of a second before at most.
    The writers serve the whole server: measure on one that has nothing else to do.
    """

    def __init__(self, database_url: str, but_not: int | None = None) -> None:
        self._name = urlsplit(database_url).path[1:]
        self._but_not = but_not
        self._postmaster = _postmaster_of(database_url)
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        for pid in self._serving():
            self._first[pid] = cpu_of(pid)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._look()

    @property
    def spent_s(self) -> float:
        """CPU seconds since the block began."""
        return sum(used - self._first.get(pid, 0.0) for pid, used in self._last.items())

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        for pid in self._serving():
            if used := cpu_of(pid):
                self._last[pid] = used

    def _serving(self) -> list[int]:
        return [
            pid
            for pid in children_of(self._postmaster)
            if pid != self._but_not and self._is_serving(title_of(pid).split())
        ]

    def _is_serving(self, title: list[str]) -> bool:
        return self._name in title or any(name in " ".join(title) for name in _BACKGROUND)


def _postmaster_of(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        return parent_of(connection.info.backend_pid)
