"""Figures for prompts: the snapshot's, cut to what a prompt is about, and samples of tasks."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count

from mcp_bridge.results import preview, usd
from tasks.models import Task
from tasks.querysets import TaskQuerySet
from tasks.stats import StatsRange, get_snapshot
from tasks.stats.as_json import as_json

PERIODS = {
    "hour": StatsRange.HOUR,
    "day": StatsRange.DAY,
    "week": StatsRange.WEEK,
    "month": StatsRange.MONTH,
}


def figures_of(user: AbstractBaseUser, period: str, *names: str) -> dict[str, Any]:
    """The named parts of the snapshot, as `data://system/stats` spells them."""
    snapshot = as_json(get_snapshot(user, PERIODS[period]))
    return {name: snapshot[name] for name in ("range", "generated_at", *names)}


def counts_of(tasks: TaskQuerySet, *columns: str) -> list[dict[str, Any]]:
    """How many of `tasks` agree in these columns, the most frequent first; at most 50 rows."""
    rows = tasks.order_by().values(*columns).annotate(count=Count("pk"))
    return list(rows.order_by("-count", *columns)[:50])


def samples_of(tasks: TaskQuerySet, most: int) -> list[dict[str, Any]]:
    """The newest of `tasks`, without their long texts."""
    return [_sample(task) for task in tasks.order_by("-id").defer("system", "metadata")[:most]]


def _sample(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.pk,
        "status": task.status,
        "provider": task.provider,
        "model": task.model or None,
        "served_by": task.served_provider or None,
        "result_source": task.result_source or None,
        "priority": task.priority,
        "attempts": task.attempts,
        "prompt_preview": preview(task.prompt),
        "result_preview": None if task.result is None else preview(task.result),
        "error_code": task.error_code or None,
        "error_message": preview(task.error_message) or None,
        "queue_seconds": task.queue_seconds,
        "run_seconds": task.run_seconds,
        "completion_tokens": task.completion_tokens,
        "cost_usd": usd(task.cost_usd),
        "created_at": task.created_at,
    }
