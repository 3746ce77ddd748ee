"""A tool's answer as the protocol carries it."""

from __future__ import annotations

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from mcp_bridge.results import TaskResult

UNTRUSTED = "async-ai-task-runner/untrusted"
"""In `_meta`: JSON pointers to the texts that users and AI models wrote."""


def as_tool_result(answer: BaseModel) -> CallToolResult:
    """The text repeats the structured content: many clients show their model nothing else."""
    meta = {UNTRUSTED: ["/prompt", "/result"]} if isinstance(answer, TaskResult) else None
    return CallToolResult(
        content=[TextContent(type="text", text=answer.model_dump_json())],
        structured_content=answer.model_dump(mode="json"),
        _meta=meta,
    )
