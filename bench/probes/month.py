"""Fills an installation with a month of ended tasks, their calls, and a queue in front of them."""

from __future__ import annotations

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from bench.probes.fill import indexes_last, insert  # noqa: E402
from tasks.models import Attempt, Batch, Task, TemplateVersion  # noqa: E402
from tasks.stats.rollup import rebuild  # noqa: E402

_IS_POSTGRES = connection.vendor == "postgresql"
_PROVIDER = "CASE n % 4 WHEN 0 THEN 'openai' WHEN 1 THEN 'anthropic' ELSE 'deepseek' END"
_MODEL = (
    "CASE n % 4 WHEN 0 THEN 'gpt-6-luna' WHEN 1 THEN 'claude-haiku-5-5' ELSE 'deepseek-flash' END"
)
_STATUS = "CASE WHEN n % 31 = 0 THEN 'FAILED' WHEN n % 97 = 0 THEN 'CANCELLED' ELSE 'COMPLETED' END"
_IS_ANSWERED = "n % 31 <> 0 AND n % 97 <> 0"
_RUN_S = "(0.3 + (n * 7919 % 1000) * (n * 7919 % 1000) / 100000.0)"
_WAIT_S = "(n * 104729 % 997) / 250.0"


def _ago(seconds: str) -> str:
    """The moment so many seconds ago, as the column keeps it."""
    if _IS_POSTGRES:
        return f"now() - ({seconds}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({seconds}) || ' seconds')"


def _task(count: int) -> dict[str, str]:
    """Task n of `count`; the last ended a moment ago, the first 30 days before."""
    end_s = f"({count} - n) * (30 * 86400.0 / {count})"
    source = "CASE WHEN n % 50 = 0 THEN 'mock' WHEN n % 23 = 0 THEN 'fallback' ELSE 'provider' END"
    return {
        "owner_id": "1 + (n % 10 = 9)::int" if _IS_POSTGRES else "1 + (n % 10 = 9)",
        "status": _STATUS, "prompt": "'prompt ' || n || ' about nothing in particular'",
        "provider": _PROVIDER, "model": _MODEL, "priority": "1 + n % 10", "max_attempts": "5",
        "attempts": "1", "claims": "1", "created_at": _ago(f"{end_s} + {_RUN_S} + {_WAIT_S}"),
        "started_at": _ago(f"{end_s} + {_RUN_S}"), "finished_at": _ago(end_s),
        "updated_at": _ago(end_s),
        "result": f"CASE WHEN {_IS_ANSWERED} THEN 'Answer to prompt ' || n END",
        "result_source": f"CASE WHEN {_IS_ANSWERED} THEN {source} ELSE '' END",
        "served_provider": f"CASE WHEN NOT ({_IS_ANSWERED}) THEN '' WHEN n % 50 = 0 THEN 'mock'"
        f" WHEN n % 23 = 0 THEN 'openai' ELSE {_PROVIDER} END",
        "served_model": f"CASE WHEN {_IS_ANSWERED} THEN {_MODEL} ELSE '' END",
        "error_code": "CASE WHEN n % 31 <> 0 THEN '' WHEN n % 2 = 0 THEN 'timeout'"
        " ELSE 'server_error' END",
        "cost_usd": f"CASE WHEN {_IS_ANSWERED} THEN (n % 9973) * 0.0000012345 END",
        "prompt_tokens": "100 + n % 300", "completion_tokens": "50 + n % 500",
        "tags": "CASE WHEN n % 100 = 0 THEN '[\"nightly\"]' ELSE '[]' END"
        if not _IS_POSTGRES
        else "(CASE WHEN n % 100 = 0 THEN '[\"nightly\"]' ELSE '[]' END)::jsonb",
        "template_version_id": "CASE WHEN n % 10 = 0 THEN 1 + n / 10 % 20 END",
        "batch_id": "CASE WHEN n % 7 = 0 THEN 1 + n / 7 % 1000 END",
        "custom_id": "CASE WHEN n % 1000 = 0 THEN 'order-' || n ELSE '' END",
    }  # fmt: skip


_CALL = {
    "task_id": "id", "number": "1", "model": "model",
    "provider": "CASE WHEN served_provider = '' THEN provider ELSE served_provider END",
    "lease_token": "gen_random_uuid()" if _IS_POSTGRES else "lower(hex(randomblob(16)))",
    "outcome": "CASE status WHEN 'COMPLETED' THEN 'succeeded' WHEN 'FAILED' THEN 'failed'"
    " ELSE 'cancelled' END",
    "error_code": "error_code", "cost_usd": "cost_usd", "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens", "started_at": "started_at",
    "finished_at": "finished_at",
}  # fmt: skip
_QUEUE = {
    "owner_id": "1", "status": "'PENDING'", "prompt": "'prompt ' || n", "provider": _PROVIDER,
    "model": _MODEL, "priority": "1 + n % 10", "max_attempts": "5", "created_at": _ago("n * 0.01"),
    "updated_at": _ago("0"),
}  # fmt: skip


def month(ended: int, due: int = 5_000, waiting: int = 5_000) -> int:
    """How many tasks there are then. Of templates and batches, those that are there are used."""
    with indexes_last(Task, Attempt):
        insert_month(ended, due, waiting)
    return settle()


def insert_month(ended: int, due: int = 5_000, waiting: int = 5_000) -> None:
    """The rows alone: without sums, and without the database's own statistics."""
    get_user_model().objects.get_or_create(username="second")
    values = _task(ended)
    if not TemplateVersion.objects.filter(pk=20).exists() or not Batch.objects.filter(pk=1000):
        values |= {"template_version_id": "NULL", "batch_id": "NULL"}
    insert(Task, values, ended)
    _insert_calls()
    insert(Task, _QUEUE, due)
    later = {"wake_at": _ago("-86400"), "waiting_reason": "'scheduled'"}
    insert(Task, _QUEUE | later, waiting)


def settle() -> int:
    """Add up what is summed by the hour and the day, and tidy. Returns how many tasks there are."""
    rebuild()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if _IS_POSTGRES else "PRAGMA wal_checkpoint(TRUNCATE)")
    return int(Task.objects.count())


def _insert_calls() -> None:
    insert(Attempt, _CALL, "tasks_task WHERE finished_at IS NOT NULL")


if __name__ == "__main__":
    serve(month)
