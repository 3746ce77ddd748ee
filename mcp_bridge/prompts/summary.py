"""task_summary: what some tasks were about and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from rest_framework import serializers

from mcp_bridge.prompts.base import Prompt, compose
from mcp_bridge.prompts.fields import DateRangeField, IdListField
from mcp_bridge.prompts.figures import counts_of, samples_of
from mcp_bridge.schemas import WordField
from tasks.services import visible_tasks
from tasks.vocabulary import Status

_SAMPLES = 50


class SummaryArguments(serializers.Serializer[Any]):
    """Which tasks; without an argument the newest."""

    task_ids = IdListField(required=False, help_text="Task ids, separated by commas.")
    date_range = DateRangeField(
        required=False,
        help_text="Submitted within: 1h, 24h, 7d, 30d, a day, or two days as "
        "2026-11-01..2026-11-20 (UTC).",
    )
    status_filter = WordField([s.value for s in Status], required=False, help_text="In this state.")


def fill_summary(user: AbstractBaseUser, asked: Mapping[str, Any]) -> str:
    tasks = visible_tasks(user)
    if "task_ids" in asked:
        tasks = tasks.filter(pk__in=asked["task_ids"])
    if "date_range" in asked:
        start, end = asked["date_range"]
        tasks = tasks.filter(created_at__gte=start, created_at__lt=end)
    if "status_filter" in asked:
        tasks = tasks.filter(status=asked["status_filter"])
    samples = samples_of(tasks, _SAMPLES)
    return compose(
        "Summarise these tasks: what was asked, what came out, what failed and why, and what "
        "should be done next. Name tasks by their id.",
        {
            "total": tasks.count(),
            "by_status": counts_of(tasks, "status"),
            "by_provider": counts_of(tasks, "provider"),
            "shown": len(samples),
            "newest": samples,
        },
    )


TASK_SUMMARY = Prompt(
    name="task_summary",
    title="Summarise tasks",
    description="What some of your tasks were about, what came out and what to do next.",
    arguments=SummaryArguments,
    fill=fill_summary,
)
