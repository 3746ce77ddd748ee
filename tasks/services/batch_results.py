"""The answers of a batch as lines, in the order of its submit, in pages found by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tasks.models import Batch, Task

_PAGE = 500
_COLUMNS = (
    "id", "custom_id", "status", "result", "result_source", "served_provider", "served_model",
    "finish_reason", "truncated", "error_code", "error_message", "prompt_tokens",
    "completion_tokens", "cached_tokens", "cost_usd",
)  # fmt: skip


def result_lines(batch: Batch) -> Iterator[str]:
    """A JSON object a task and line, as it stands now; several lines a piece."""
    rows = Task.objects.filter(batch=batch).order_by("pk").values(*_COLUMNS)
    page = list(rows[:_PAGE])
    while page:
        yield "".join(json.dumps(_as_json(row), ensure_ascii=False) + "\n" for row in page)
        page = list(rows.filter(pk__gt=page[-1]["id"])[:_PAGE])


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """The task's own fields under the names of `GET /api/tasks/{id}/`."""
    is_troubled = bool(row["error_code"])
    error = {"code": row["error_code"], "message": row["error_message"]}
    return {
        "id": row["id"],
        "custom_id": row["custom_id"] or None,
        "status": row["status"],
        "result": row["result"],
        "result_source": row["result_source"] or None,
        "served_by": {
            "provider": row["served_provider"] or None,
            "model": row["served_model"] or None,
        },
        "finish_reason": row["finish_reason"] or None,
        "truncated": row["truncated"],
        "error": error if is_troubled else None,
        "usage": {
            name: row[name] for name in ("prompt_tokens", "completion_tokens", "cached_tokens")
        },
        "cost_usd": _usd(row["cost_usd"]),
    }


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
