"""A tool's answer as the protocol carries it."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel

from mcp_bridge.fitting import as_json_text, fit, is_surely_fitting
from mcp_bridge.results import TaskResult
from mcp_bridge.untrusted import UNTRUSTED, pointers_of, warning_of


def as_tool_result(answer: BaseModel) -> CallToolResult:
    """The text repeats the structured content: many clients show their model nothing else.

    Where others' words stand in it, a second text says which they are.
    """
    text, data = _rendered(answer)
    content: list[ContentBlock] = [TextContent(type="text", text=text)]
    pointers = pointers_of(answer)
    if pointers:
        content.append(warning_of(pointers))
    return CallToolResult(
        content=content,
        structured_content=data,
        _meta={UNTRUSTED: pointers} if pointers else None,
    )


def _rendered(answer: BaseModel) -> tuple[str, dict[str, Any]]:
    """An answer that a client takes. That of a task is: it comes in pages."""
    text, data = answer.model_dump_json(), answer.model_dump(mode="json")
    if isinstance(answer, TaskResult) or is_surely_fitting(text):
        return text, data
    data = fit(data)
    return as_json_text(data), data
