"""Fills a task table by the database's own means: finished, waiting and due rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Model  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.models import Attempt, Task  # noqa: E402

_IS_POSTGRES = connection.vendor == "postgresql"
_LONG_AGO = "now() - interval '1 day'" if _IS_POSTGRES else "datetime('now', '-1 day')"
_LATER = "now() + interval '1 day'" if _IS_POSTGRES else "datetime('now', '+1 day')"
_TOKEN = "gen_random_uuid()" if _IS_POSTGRES else "lower(hex(randomblob(16)))"
_PENDING = {
    "status": "'PENDING'", "prompt": "'prompt ' || n", "provider": "'openai'",
    "model": "'gpt-6-luna'", "priority": "1 + n % 10", "max_attempts": "5", "owner_id": "1",
    "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
}  # fmt: skip
_FINISHED = {
    "status": "'COMPLETED'", "result": "'Answer to: prompt ' || n", "result_source": "'provider'",
    "served_provider": "'openai'", "served_model": "'gpt-6-luna'", "finish_reason": "'stop'",
    "attempts": "1", "claims": "1", "started_at": _LONG_AGO, "finished_at": _LONG_AGO,
}  # fmt: skip
_WAITING = {"wake_at": _LATER, "waiting_reason": "'scheduled'"}
_ATTEMPT = {
    "task_id": "id", "number": "1", "provider": "'openai'", "model": "'gpt-6-luna'",
    "lease_token": _TOKEN, "outcome": "'succeeded'", "started_at": _LONG_AGO,
    "finished_at": _LONG_AGO,
}  # fmt: skip


def fill(finished: int, waiting: int, due: int) -> int:
    """How many rows there are then. Each finished task has its attempt."""
    insert(Task, _PENDING | _FINISHED, finished)
    insert(Attempt, _ATTEMPT, "tasks_task WHERE status = 'COMPLETED'")
    insert(Task, _PENDING | _WAITING, waiting)
    insert(Task, _PENDING, due)
    if _IS_POSTGRES:  # as its own daemon would, sooner or later; SQLite has nothing of the kind
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return int(Task.objects.count())


@contextlib.contextmanager
def indexes_last(*models: type[Model]) -> Iterator[None]:
    """What comes into these tables meanwhile gets its indexes at the end: sooner done, and denser
    than they would have grown. Not for what measures writing."""
    indexes = [(model, index) for model in models for index in model._meta.indexes]
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.add_index(model, index)


def insert(model: type[Model], values: dict[str, str], source: str | int) -> None:
    """A row for each of `source`: a table with its condition, or numbers `n` from 1 on.

    Columns that `values` leaves out get the model's default, or an empty one.
    """
    if source == 0:
        return
    if isinstance(source, int):
        source = _numbers(source)
    columns = {
        field.column: values.get(field.column) or _default(field)
        for field in model._meta.concrete_fields
        if not field.primary_key
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)})"
            f" SELECT {', '.join(columns.values())} FROM {source}"
        )


def _numbers(count: int) -> str:
    if _IS_POSTGRES:
        return f"generate_series(1, {count}::bigint) AS numbers (n)"
    return (
        "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < {count}) SELECT n FROM numbers)"
    )


def _default(field: object) -> str:
    value = field.get_default()  # type: ignore[attr-defined]
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return _quoted(value.isoformat(sep=" "))
    return str(value) if isinstance(value, int | float) else _quoted(value)


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else ("[]" if value == [] else "{}")
    return f"'{text}'"


if __name__ == "__main__":
    serve(fill)
