"""get_task_result: a COMPLETED task's answer, long ones page by page."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from mcp_bridge.results import TaskResult
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from mcp_bridge.tools.status import TaskArguments
from tasks.errors import TaskFailed, TaskNotCompleted
from tasks.models import Task
from tasks.services import get_task
from tasks.services.fields import StrictInteger
from tasks.services.partials import first_token_seconds
from tasks.vocabulary import Status

PAGE_CHARS = 20_000
_MOST_CHARS = 100_000
_MOST_OFFSET = 2**31 - 1


class ResultArguments(TaskArguments):
    """One task's answer, and which part of it."""

    offset = StrictInteger(
        min_value=0,
        max_value=_MOST_OFFSET,
        default=0,
        help_text="Characters of the answer to skip: the `next_offset` of the page before.",
    )
    max_chars = StrictInteger(
        min_value=1,
        max_value=_MOST_CHARS,
        default=PAGE_CHARS,
        help_text="Characters of the answer to return at most.",
    )


def result_of(task: Task, *, offset: int = 0, max_chars: int = PAGE_CHARS) -> TaskResult:
    """A page of the answer.

    Raises:
        TaskFailed, TaskNotCompleted: there is none.
    """
    if task.state is Status.FAILED:
        raise TaskFailed(
            f"Task {task.pk} FAILED ({task.error_code}). get_task_status tells more; "
            "retry_task tries it again."
        )
    if task.state is Status.CANCELLED:
        raise TaskNotCompleted(f"Task {task.pk} is CANCELLED. retry_task puts it back in line.")
    if task.state is not Status.COMPLETED:
        raise TaskNotCompleted(f"Task {task.pk} is {task.status}. Call wait_for_task first.")
    first_s = first_token_seconds(task)
    return TaskResult.of(task, offset=offset, max_chars=max_chars, first_token_s=first_s)


def get_task_result(user: AbstractBaseUser, call: Call) -> TaskResult:
    task = get_task(user, call.clean["task_id"])
    return result_of(task, offset=call.clean["offset"], max_chars=call.clean["max_chars"])


GET_TASK_RESULT = Tool(
    name="get_task_result",
    title="Read a task's answer",
    description=(
        "The answer of a COMPLETED task, with who gave it and what it cost. A long answer comes "
        "in pages: call again with `offset` set to `next_offset` until that is null."
    ),
    arguments=ResultArguments,
    output_schema=schema_of(TaskResult),
    run=in_database(get_task_result),
)
