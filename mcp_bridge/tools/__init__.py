"""The tools: listed for those who may call them, and called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult
from mcp_types import Tool as ListedTool

from mcp_bridge.caller import Caller
from mcp_bridge.errors import tool_error, unknown
from mcp_bridge.rendering import as_tool_result
from mcp_bridge.tools.base import Call, Report, Tool
from mcp_bridge.tools.batches import CREATE_BATCH, GET_BATCH_STATUS
from mcp_bridge.tools.create import CREATE_TASK
from mcp_bridge.tools.listing import LIST_TASKS
from mcp_bridge.tools.moves import CANCEL_TASK, RETRY_TASK
from mcp_bridge.tools.result import GET_TASK_RESULT
from mcp_bridge.tools.status import GET_TASK_STATUS
from mcp_bridge.tools.waiting import WAIT_FOR_TASK
from tasks.errors import DomainError, NotPermitted
from tasks.services.submission import clean

__all__ = ["TOOLS", "call_tool", "list_tools"]

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        CREATE_TASK,
        GET_TASK_STATUS,
        LIST_TASKS,
        GET_TASK_RESULT,
        WAIT_FOR_TASK,
        CANCEL_TASK,
        RETRY_TASK,
        CREATE_BATCH,
        GET_BATCH_STATUS,
    )
}


def list_tools(caller: Caller) -> list[ListedTool]:
    """What this caller may call."""
    return [tool.listed() for tool in TOOLS.values() if caller.can_write or tool.is_read_only]


async def call_tool(
    caller: Caller, name: str, arguments: Mapping[str, Any], report: Report
) -> CallToolResult:
    """The tool's answer, or its refusal, which the model can read.

    Raises:
        MCPError: there is no such tool.
    """
    tool = TOOLS.get(name)
    if tool is None:
        raise unknown("tool", name)
    try:
        if not (caller.can_write or tool.is_read_only):
            raise NotPermitted(f"{name} writes, and this connection may only read.")
        given = {key: value for key, value in arguments.items() if value is not None}
        answer = await tool.run(
            Call(caller=caller, given=given, clean=clean(tool.arguments, given), report=report)
        )
    except DomainError as refusal:
        return tool_error(refusal)
    return as_tool_result(answer)
