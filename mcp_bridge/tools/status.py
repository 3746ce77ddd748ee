"""get_task_status: where a task stands and how long it may still take."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from rest_framework import serializers

from mcp_bridge.results import TaskState, TaskStatus
from mcp_bridge.schemas import TaskIdField
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from tasks.models import Task
from tasks.services import get_standing
from tasks.services.partials import partial_text
from tasks.stats.queue import get_outlook


class TaskArguments(serializers.Serializer[Any]):
    """One task."""

    task_id = TaskIdField()


def status_of(task: Task) -> TaskStatus:
    return TaskStatus(task=TaskState.of(task, get_outlook(task)), partial=partial_text(task))


def get_task_status(user: AbstractBaseUser, call: Call) -> TaskStatus:
    return status_of(get_standing(user, call.clean["task_id"]))


GET_TASK_STATUS = Tool(
    name="get_task_status",
    title="Look at a task",
    icon="eye",
    description=(
        "Where a task stands: its status, its place in the line, why it waits, how it failed, and "
        "of a streamed answer the text so far. "
        "To wait for its end, call wait_for_task instead of asking again and again."
    ),
    arguments=TaskArguments,
    output_schema=schema_of(TaskStatus),
    run=in_database(get_task_status),
)
