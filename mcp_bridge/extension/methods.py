"""The extension's methods, and the tool call that begins a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser
from mcp.server import Server
from mcp_types import CallToolResult, EmptyResult, RequestParams

from mcp_bridge.caller import Caller
from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error, tool_error
from mcp_bridge.extension.access import EXTENSION, check_follower
from mcp_bridge.extension.followed_task import Wire, begin, standing_of
from mcp_bridge.identity import Context, Identify
from mcp_bridge.rendering import as_tool_result
from mcp_bridge.tools.waiting import WaitArguments, answer_of
from tasks.errors import DomainError, InvalidState, NotPermitted
from tasks.services import cancel, get_task
from tasks.services.submission import clean

Found = TypeVar("Found")


class TaskParams(RequestParams):
    """Which task a method is about. `tasks/update` sends answers too: no task ever asks."""

    task_id: str


async def follow(caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult | Wire:
    """wait_for_task for a client that follows: its answer, or the task to follow until then."""

    def look(user: AbstractBaseUser) -> CallToolResult | Wire:
        task = get_task(user, asked["task_id"])
        return as_tool_result(answer_of(task)) if task.state.is_terminal else begin(task)

    try:
        given = {name: value for name, value in arguments.items() if value is not None}
        asked = clean(WaitArguments, given)
        return await on_database(caller, look)
    except DomainError as refusal:
        return tool_error(refusal)


def add_followed_tasks(server: Server[Any], identify: Identify) -> None:
    """Let the server offer the extension."""

    async def get(ctx: Context, params: TaskParams) -> Wire:
        check_follower(ctx, params.task_id)
        return await _ask(identify(ctx), lambda user: standing_of(get_task(user, params.task_id)))

    async def update(ctx: Context, params: TaskParams) -> EmptyResult:
        check_follower(ctx, params.task_id)
        await _ask(identify(ctx), lambda user: get_task(user, params.task_id))
        return EmptyResult()

    async def stop(ctx: Context, params: TaskParams) -> EmptyResult:
        check_follower(ctx, params.task_id)
        caller = identify(ctx)
        await _ask(caller, lambda user: _cancel(caller, user, params.task_id))
        return EmptyResult()

    server.extensions[EXTENSION] = {}
    for method, handler in (("get", get), ("update", update), ("cancel", stop)):
        server.add_request_handler(f"tasks/{method}", TaskParams, handler)


async def _ask(caller: Caller, function: Callable[[AbstractBaseUser], Found]) -> Found:
    try:
        return await on_database(caller, function)
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal


def _cancel(caller: Caller, user: AbstractBaseUser, task_id: str) -> None:
    """A task that has ended stays as it is: cancelling twice is no fault here."""
    if not caller.can_write:
        raise NotPermitted("tasks/cancel writes, and this connection may only read.")
    try:
        cancel(user, task_id)
    except InvalidState:
        return
