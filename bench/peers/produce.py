"""The submitting side: rows first, then the peer's own enqueue. Run as `produce PEER`."""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections.abc import Callable

import psycopg

from bench.peers.job import DATABASE_URL
from bench.probes.conversation import serve

_TABLE = (
    "CREATE TABLE IF NOT EXISTS bench_task"
    " (id integer PRIMARY KEY, prompt text NOT NULL, result text, finished_at timestamptz)"
)
_PAUSE_S = (0.02, 0.12)

# (name of the job, [(id, prompt), …]) → nothing; when the first of them can be taken.
Enqueue = Callable[[str, list[tuple[int, str]]], float]


def main() -> None:
    enqueue: Enqueue = importlib.import_module(f"bench.peers.{sys.argv[1]}.app").enqueue
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        connection.execute(_TABLE)
        serve(lambda **order: _produce(connection, enqueue, **order))


def _produce(
    connection: psycopg.Connection, enqueue: Enqueue, job: str, first: int, count: int,
    is_paced: bool = False,
) -> dict[str, object]:  # fmt: skip
    """CLOCK_MONOTONIC of the begin, of the first visible task, and of each paced submit."""
    jobs = [(number, f"prompt {number}") for number in range(first, first + count)]
    started_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_task (id, prompt) VALUES (%s, %s)", jobs)
    if not is_paced:
        return {"started_at": started_at, "visible_at": enqueue(job, jobs)}
    submitted = {}
    for one in jobs:
        enqueue(job, [one])
        submitted[one[1]] = time.monotonic()
        time.sleep(random.uniform(*_PAUSE_S))
    return {"started_at": started_at, "submitted": submitted}


if __name__ == "__main__":
    main()
