"""cancel_task and retry_task."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from mcp_bridge.results import Done
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from mcp_bridge.tools.status import TaskArguments
from tasks.services import cancel, retry


def cancel_task(user: AbstractBaseUser, call: Call) -> Done:
    task = cancel(user, call.clean["task_id"])
    message = f"Task {task.pk} is cancelled. If a call was running, its answer is not kept."
    return Done(success=True, task_id=task.pk, status=task.state, message=message)


def retry_task(user: AbstractBaseUser, call: Call) -> Done:
    task = retry(user, call.clean["task_id"])
    message = f"Task {task.pk} stands in line again. Call wait_for_task with its id."
    return Done(success=True, task_id=task.pk, status=task.state, message=message)


CANCEL_TASK = Tool(
    name="cancel_task",
    title="Cancel a task",
    icon="stop",
    description="Cancel a task that is PENDING or PROCESSING. retry_task can bring it back.",
    arguments=TaskArguments,
    output_schema=schema_of(Done),
    run=in_database(cancel_task),
    is_read_only=False,
    is_destructive=True,
    is_idempotent=False,  # the second call is refused: it has ended by then
)
RETRY_TASK = Tool(
    name="retry_task",
    title="Retry a task",
    icon="again",
    description=(
        "Put a FAILED or CANCELLED task back in line, with a fresh count of attempts. "
        "It calls an AI provider again, which may cost money."
    ),
    arguments=TaskArguments,
    output_schema=schema_of(Done),
    run=in_database(retry_task),
    is_read_only=False,
    is_idempotent=False,
    is_open_world=True,
)
