"""list_tasks: one's own tasks, newest first."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models.functions import Left
from rest_framework import serializers

from mcp_bridge.results import PREVIEW_CHARS, TaskError, TaskPage, TaskSummary, preview, source_of
from mcp_bridge.schemas import WordField
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from tasks.models import Task
from tasks.services.fields import StrictInteger, StrictText
from tasks.services.selection import select_tasks
from tasks.vocabulary import Provider, Status

_FILTERS = ("status", "provider", "tag", "search", "created_after")
_MOST_OFFSET = 2**31 - 1


class ListArguments(serializers.Serializer[Any]):
    """Which tasks, and which of their pages."""

    status = WordField([s.value for s in Status], required=False, help_text="Only in this state.")
    limit = StrictInteger(min_value=1, max_value=100, default=10, help_text="Tasks a page.")
    offset = StrictInteger(
        min_value=0, max_value=_MOST_OFFSET, default=0, help_text="Tasks to skip."
    )
    provider = WordField(
        [p.value for p in Provider], required=False, help_text="Only those that asked for it."
    )
    tag = StrictText(max_length=50, required=False, help_text="Only those with exactly this tag.")
    search = StrictText(
        max_length=200, required=False, help_text="Words that all stand in the prompt."
    )
    created_after = serializers.DateTimeField(
        required=False, help_text="Only those submitted at this moment or later, ISO 8601."
    )


def list_tasks(user: AbstractBaseUser, call: Call) -> TaskPage:
    limit, offset = call.clean["limit"], call.clean["offset"]
    criteria = {name: call.clean[name] for name in _FILTERS if name in call.clean}
    if "created_after" in criteria:
        criteria["created_after"] = criteria["created_after"].isoformat()
    matching = select_tasks(user, criteria)
    page = (
        matching.order_by("-id")
        .defer("prompt", "result", "system", "metadata")
        .annotate(
            prompt_start=Left("prompt", PREVIEW_CHARS + 1),
            result_start=Left("result", PREVIEW_CHARS + 1),
        )
    )
    tasks = [_summary(task) for task in page[offset : offset + limit]]
    return TaskPage(
        tasks=tasks, count=len(tasks), total=matching.count(), limit=limit, offset=offset
    )


def _summary(task: Task) -> TaskSummary:
    result_start = task.result_start  # type: ignore[attr-defined]
    return TaskSummary(
        task_id=task.pk,
        status=task.state,
        provider=Provider(task.provider),
        model=task.model or None,
        priority=task.priority,
        prompt_preview=preview(task.prompt_start),  # type: ignore[attr-defined]
        result_preview=None if result_start is None else preview(result_start),
        result_source=source_of(task),
        error=_error(task),
        created_at=task.created_at,
        finished_at=task.finished_at,
    )


def _error(task: Task) -> TaskError | None:
    error = TaskError.of(task)
    return error and error.model_copy(update={"message": preview(error.message)})


LIST_TASKS = Tool(
    name="list_tasks",
    title="List tasks",
    icon="queue",
    description="Your tasks, newest first, with short previews; filters narrow them down.",
    arguments=ListArguments,
    output_schema=schema_of(TaskPage),
    run=in_database(list_tasks),
)
