"""A task as the extension shows it, and what is shown of it when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from mcp_types import CallToolResult, Result

from mcp_bridge.rendering import as_tool_result
from mcp_bridge.tools.waiting import answer_of
from tasks.conf import get_conf
from tasks.models import Task
from tasks.vocabulary import Status

Standing = Literal["working", "completed", "cancelled"]
Wire = dict[str, Any]

_POLL_MS = 1000


class FollowedTask(Result):
    """`result`: what wait_for_task says of a run that has ended."""

    result_type: Literal["task", "complete"]
    task_id: str
    status: Standing
    status_message: str
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int | None
    poll_interval_ms: int | None
    result: CallToolResult | None = None

    def on_the_wire(self) -> Wire:
        """`ttlMs` is there even when it is null, which means "for good"."""
        wire = self.model_dump(by_alias=True, mode="json", exclude_none=True)
        return wire | {"ttlMs": self.ttl_ms}


def begin(task: Task) -> Wire:
    """What a client gets in place of an answer that is not there yet."""
    return _shown(task, "task").on_the_wire()


def standing_of(task: Task) -> Wire:
    """What `tasks/get` answers: at the end of the run, its result too."""
    followed = _shown(task, "complete")
    if followed.status == "completed":
        followed = followed.model_copy(update={"result": as_tool_result(answer_of(task))})
    return followed.on_the_wire()


def _shown(task: Task, result_type: Literal["task", "complete"]) -> FollowedTask:
    standing = _standing(task.state)
    reason = f": {task.waiting_reason}" if task.waiting_reason else ""
    return FollowedTask(
        result_type=result_type,
        task_id=str(task.pk),
        status=standing,
        status_message=f"The task is {task.status}{reason}.",
        created_at=task.created_at,
        last_updated_at=task.updated_at,
        ttl_ms=_ttl_ms(),
        poll_interval_ms=_POLL_MS if standing == "working" else None,
    )


def _standing(status: Status) -> Standing:
    """FAILED is a run that was carried out; "failed" would be a fault of the protocol."""
    if status is Status.CANCELLED:
        return "cancelled"
    return "completed" if status.is_terminal else "working"


def _ttl_ms() -> int | None:
    """From its creation a task is kept at least this long; None: for good."""
    days = get_conf().retention_days
    return None if days is None else timedelta(days=days) // timedelta(milliseconds=1)
