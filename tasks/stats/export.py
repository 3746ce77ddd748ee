"""Tasks as CSV and JSONL, in pieces, so that a million of them need the memory of a few hundred.

Pages are found by key, not by OFFSET: no long transaction, and no row twice.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from tasks.models import Task
from tasks.stats.wording import plain

_PAGE = 500
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = (
    "id", "status", "prompt", "provider", "model", "priority", "result", "result_source",
    "served_provider", "served_model", "finish_reason", "truncated", "error_code",
    "error_message", "attempts", "max_attempts", "prompt_tokens", "completion_tokens",
    "cached_tokens", "cost_usd", "queue_seconds", "run_seconds", "tags", "metadata", "custom_id",
    "batch", "template", "owner", "created_at", "started_at", "finished_at",
)  # fmt: skip


def csv_chunks(keys: QuerySet[Task, int]) -> Iterator[str]:
    """The header, then the tasks with these keys, newest first; formulas are disarmed."""
    yield _csv_lines([list(COLUMNS)])
    for page in _pages(keys):
        yield _csv_lines([[_cell(row[name]) for name in COLUMNS] for row in map(as_row, page)])


def jsonl_chunks(keys: QuerySet[Task, int]) -> Iterator[str]:
    """One JSON object a line for the tasks with these keys, newest first."""
    for page in _pages(keys):
        yield "".join(json.dumps(as_row(task), ensure_ascii=False) + "\n" for task in page)


def as_row(task: Task) -> dict[str, Any]:
    """A task as plain values: money as text, times in ISO 8601, None for what is not known."""
    special = {
        "batch": task.batch_id,
        "owner": task.owner.get_username(),
        "cost_usd": None if task.cost_usd is None else plain(task.cost_usd),
        "created_at": task.created_at.isoformat(),
        "started_at": task.started_at and task.started_at.isoformat(),
        "finished_at": task.finished_at and task.finished_at.isoformat(),
    }
    return {name: special[name] if name in special else getattr(task, name) for name in COLUMNS}


def disarm(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before it."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _pages(keys: QuerySet[Task, int]) -> Iterator[list[Task]]:
    ordered = keys.order_by("-pk")
    page = list(ordered[:_PAGE])
    while page:
        found = Task.objects.select_related("owner", "template_version__template").in_bulk(page)
        yield [found[key] for key in page if key in found]
        page = list(ordered.filter(pk__lt=page[-1])[:_PAGE])


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return disarm(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _csv_lines(rows: list[list[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
