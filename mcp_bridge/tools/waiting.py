"""wait_for_task: back when the task has ended, or before the client loses patience."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.contrib.auth.models import AbstractBaseUser
from django.db import InterfaceError, OperationalError

from mcp_bridge.database import on_database
from mcp_bridge.results import TaskResult, TaskStatus
from mcp_bridge.tools.base import Call, Tool, schema_of
from mcp_bridge.tools.result import result_of
from mcp_bridge.tools.status import TaskArguments, status_of
from tasks.errors import DatabaseUnavailable
from tasks.models import Task
from tasks.services import get_task
from tasks.services.fields import StrictFloat
from tasks.services.following import wait_until_terminal
from tasks.vocabulary import Status

_REPORT_EVERY_S = 1.0


class WaitArguments(TaskArguments):
    """One task, and how long to wait for it."""

    timeout_seconds = StrictFloat(
        min_value=0,
        max_value=45,
        default=25,
        help_text="Seconds to wait at most. If the task has not ended by then, call again.",
    )


def answer_of(task: Task) -> TaskResult | TaskStatus:
    """The result of a COMPLETED task, the status of any other."""
    return result_of(task) if task.state is Status.COMPLETED else status_of(task)


async def wait_for_task(call: Call) -> TaskResult | TaskStatus:
    def look(user: AbstractBaseUser) -> TaskResult | TaskStatus:
        return answer_of(get_task(user, call.clean["task_id"]))

    answer = await on_database(call.caller, look)
    if isinstance(answer, TaskResult) or answer.task.status.is_terminal:
        return answer
    timeout_s = call.clean["timeout_seconds"]
    try:
        await wait_until_terminal(answer.task.task_id, timeout_s, _reporter(call, timeout_s))
    except (OperationalError, InterfaceError) as fault:
        raise DatabaseUnavailable("The database does not answer. Try again soon.") from fault
    return await on_database(call.caller, look)


def _reporter(call: Call, timeout_s: float) -> Callable[[str, float], Awaitable[None]]:
    """Progress at every change of state and about once a second, never backwards."""
    last_status, next_at_s = "", 0.0

    async def report(status: str, waited_s: float) -> None:
        nonlocal last_status, next_at_s
        if status == last_status and waited_s < next_at_s:
            return
        last_status, next_at_s = status, waited_s + _REPORT_EVERY_S
        await call.report(min(waited_s, timeout_s), timeout_s, f"The task is {status}.")

    return report


WAIT_FOR_TASK = Tool(
    name="wait_for_task",
    title="Wait for a task",
    icon="clock",
    description=(
        "Wait until a task has ended. Returns its answer as get_task_result does when it is "
        "COMPLETED, and otherwise its state as get_task_status does: call again while that is "
        "PENDING or PROCESSING."
    ),
    arguments=WaitArguments,
    output_schema=schema_of(TaskResult, TaskStatus),
    run=wait_for_task,
)
