"""What an event tells the outside, the same in a stream and in a webhook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from tasks.models import Event, Task

# Prompt and result are left out: they may be long, and whoever may see them can GET them.
_COLUMNS = (
    "id", "status", "provider", "model", "priority", "result_source", "served_provider",
    "served_model", "finish_reason", "truncated", "error_code", "error_message", "attempts",
    "max_attempts", "waiting_reason", "prompt_tokens", "completion_tokens", "cached_tokens",
    "cost_usd", "tags", "metadata", "custom_id", "batch_id", "created_at", "started_at",
    "finished_at",
)  # fmt: skip


def describe(events: Iterable[Event]) -> list[dict[str, Any]]:
    """For each event: whose `id` it is about, its `status` since, `type` and `at`; for a task
    that still exists, how it stands now. One query for all of them."""
    listed = list(events)
    ids = {event.task_id for event in listed if event.task_id is not None}
    rows = Task.objects.filter(pk__in=ids).order_by().values(*_COLUMNS) if ids else []
    known = {row["id"]: row for row in rows}
    return [_describe(event, known.get(event.task_id)) for event in listed]


def describe_task(task: Task, type_name: str, at: datetime) -> dict[str, Any]:
    """The same for a task as it stands, without an event."""
    row = {name: getattr(task, name) for name in _COLUMNS}
    return {**_facts(row), "type": type_name, "at": _moment(at)}


def _describe(event: Event, row: dict[str, Any] | None) -> dict[str, Any]:
    told: dict[str, Any] = {"type": event.type, "at": _moment(event.at)}
    if event.task_id is None:
        return {"id": event.batch_id, **told}
    facts = {"id": event.task_id} if row is None else _facts(row)
    return {**facts, "status": event.kind.status, **told}


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """As the API shows a task."""
    error = {"code": row["error_code"], "message": row["error_message"]}
    cost_usd: Decimal | None = row["cost_usd"]
    return {
        "id": row["id"],
        "status": row["status"],
        "provider": row["provider"],
        "model": row["model"] or None,
        "priority": row["priority"],
        "result_source": row["result_source"] or None,
        "served_by": {
            "provider": row["served_provider"] or None,
            "model": row["served_model"] or None,
        },
        "finish_reason": row["finish_reason"] or None,
        "truncated": row["truncated"],
        "error": error if row["error_code"] else None,
        "attempts": row["attempts"],
        "max_attempts": row["max_attempts"],
        "waiting_reason": row["waiting_reason"] or None,
        "usage": {
            name: row[name] for name in ("prompt_tokens", "completion_tokens", "cached_tokens")
        },
        "cost_usd": None if cost_usd is None else f"{cost_usd.normalize():f}",
        "tags": row["tags"],
        "metadata": row["metadata"],
        "custom_id": row["custom_id"] or None,
        "batch": row["batch_id"],
        "created_at": _moment(row["created_at"]),
        "started_at": _moment(row["started_at"]),
        "finished_at": _moment(row["finished_at"]),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")
