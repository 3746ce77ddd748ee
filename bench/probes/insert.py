"""Inserts due tasks as a batch submit does: one transaction with its hint for each chunk."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.engine.wakeup import hint  # noqa: E402
from tasks.models import Event, Task  # noqa: E402
from tasks.querysets import database_now  # noqa: E402
from tasks.row_writes import insert_rows  # noqa: E402
from tasks.vocabulary import EventType  # noqa: E402

_ROWS_A_STATEMENT = 500
_LEFT_TO_DEFAULTS = (
    "status", "system", "failover", "tags", "metadata", "custom_id", "result_source",
    "served_provider", "served_model", "finish_reason", "truncated", "error_code",
    "error_message", "attempts", "claims", "boost", "waiting_reason",
)  # fmt: skip
_TELL = (
    f"INSERT INTO {Event._meta.db_table} (type, task_id, owner_id) "
    f"SELECT %s, id, owner_id FROM {Task._meta.db_table} WHERE created_at = %s ORDER BY id"
)


def insert(
    count: int,
    provider: str = "openai",
    model: str = "gpt-6-luna",
    chunk: int = 1_000,
    priorities: int = 0,
) -> dict[str, float]:
    """When the first insert began and when the first and last chunk were committed, all by
    CLOCK_MONOTONIC. priorities: so many, dealt out by chance; the doors know ten, the queue any."""
    connection.ensure_connection()
    started_at = time.monotonic()
    commits = []
    chance = random.Random(count)
    for first in range(0, count, chunk):
        numbers = range(first, min(count, first + chunk))
        ranks = [chance.randint(1, priorities) if priorities else 5 for _ in numbers]
        _insert_chunk(
            [[f"prompt {n}", rank] for n, rank in zip(numbers, ranks, strict=True)], provider, model
        )
        commits.append(time.monotonic())
    return {"started_at": started_at, "visible_at": commits[0], "committed_at": commits[-1]}


def _insert_chunk(rows: list[list[Any]], provider: str, model: str) -> None:
    """The statements of the batch door; the events are made by the database, as there."""
    now = database_now()
    same = _DEFAULTS | {
        "owner": 1, "provider": provider, "model": model, "max_attempts": 5,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    with transaction.atomic():
        for first in range(0, len(rows), _ROWS_A_STATEMENT):
            insert_rows(Task, ["prompt", "priority"], rows[first : first + _ROWS_A_STATEMENT], same)
        with connection.cursor() as cursor:
            cursor.execute(_TELL, [EventType.SUBMITTED.value, now])
        hint()


def _default_of(name: str) -> Any:
    value = Task._meta.get_field(name).get_default()
    return json.dumps(value) if isinstance(value, list | dict) else value


_DEFAULTS = {name: _default_of(name) for name in _LEFT_TO_DEFAULTS}

if __name__ == "__main__":
    serve(insert)
