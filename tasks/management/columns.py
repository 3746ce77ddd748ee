"""A task as a flat row for files: which columns, and what a spreadsheet must not take for code."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from tasks.models import Task

COLUMNS = (
    "id", "status", "prompt", "system", "provider", "model", "priority", "result",
    "result_source", "served_provider", "served_model", "finish_reason", "truncated",
    "error_code", "error_message", "attempts", "max_attempts", "waiting_reason", "run_after",
    "expires_at", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd",
    "queue_seconds", "run_seconds", "tags", "metadata", "custom_id", "batch", "template",
    "owner", "created_at", "started_at", "finished_at", "updated_at",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_row(task: Task) -> dict[str, Any]:
    """Column → JSON value; times in ISO 8601, money as text, None where nothing is known."""
    return {name: _as_json(_value(task, name)) for name in COLUMNS}


def as_cells(row: dict[str, Any]) -> list[str]:
    """The row as CSV cells. A text that a spreadsheet would run as a formula gets a `'` before."""
    return [_as_cell(row[name]) for name in COLUMNS]


def _value(task: Task, name: str) -> Any:
    if name == "batch":
        return task.batch_id
    return task.owner.get_username() if name == "owner" else getattr(task, name)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _as_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    return json.dumps(value, ensure_ascii=False)
