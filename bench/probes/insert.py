"""Inserts due tasks as a batch submit does: one transaction with its hint for each chunk."""

from __future__ import annotations

import time

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.engine.outbox import record  # noqa: E402
from tasks.engine.wakeup import hint  # noqa: E402
from tasks.models import Task  # noqa: E402
from tasks.vocabulary import EventType  # noqa: E402

_ROWS_A_STATEMENT = 500


def insert(
    count: int, provider: str = "openai", model: str = "gpt-6-luna", chunk: int = 1_000
) -> dict[str, float]:
    """When the first insert began and when the first and last chunk were committed, all by
    CLOCK_MONOTONIC."""
    connection.ensure_connection()
    started_at = time.monotonic()
    commits = []
    for first in range(0, count, chunk):
        _insert_chunk(range(first, min(count, first + chunk)), provider, model)
        commits.append(time.monotonic())
    return {"started_at": started_at, "visible_at": commits[0], "committed_at": commits[-1]}


def _insert_chunk(numbers: range, provider: str, model: str) -> None:
    tasks = [
        Task(owner_id=1, prompt=f"prompt {n}", provider=provider, model=model, max_attempts=5)
        for n in numbers
    ]
    with transaction.atomic():
        Task.objects.bulk_create(tasks, batch_size=_ROWS_A_STATEMENT)
        record((EventType.SUBMITTED, task.pk, task.owner_id) for task in tasks)
        hint()


if __name__ == "__main__":
    serve(insert)
