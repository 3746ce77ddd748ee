"""How a refusal looks to an MCP client.

What the model can mend is a tool error: `isError`, with `{"error": {"code", "message"}}` as text.
What only the client's program can mend is a JSON-RPC error.
"""

from __future__ import annotations

import json

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, CallToolResult, TextContent
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from tasks.errors import (
    DomainError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    TaskNotFound,
)

log = structlog.get_logger(__name__)

_RESOURCE_NOT_FOUND = -32002  # until revision 2025-11-25; then the general code for bad parameters


def tool_error(refusal: DomainError) -> CallToolResult:
    """The refusal as the model reads it. ASCII: a lone surrogate that was sent is not sent back."""
    text = json.dumps({"error": {"code": _code(refusal), "message": refusal.message}})
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def protocol_error(refusal: DomainError) -> MCPError:
    """The refusal of a prompt, a resource or an extension, which know no tool errors."""
    code = INTERNAL_ERROR
    if isinstance(refusal, InvalidInput | NotFound):
        code = INVALID_PARAMS
    elif isinstance(refusal, NotPermitted):
        code = INVALID_REQUEST
    return MCPError(code=code, message=_sendable(refusal.message), data={"code": _code(refusal)})


def resource_not_found(uri: str, protocol_version: str) -> MCPError:
    """No such resource, or not the caller's, in the code of the protocol's revision."""
    is_modern = protocol_version in MODERN_PROTOCOL_VERSIONS
    code = INVALID_PARAMS if is_modern else _RESOURCE_NOT_FOUND
    return MCPError(code=code, message="Resource not found", data={"uri": _sendable(uri)})


def unknown(kind: str, name: str) -> MCPError:
    """A tool, a prompt, a template or an argument that is not here."""
    return MCPError(code=INVALID_PARAMS, message=f"Unknown {kind}: {_sendable(name[:100])}")


async def hide_crashes(ctx: ServerRequestContext[object], call_next: CallNext) -> HandlerResult:
    """Middleware: an exception that nobody foresaw is logged here, and its text stays here."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise  # the SDK renders both
    except Exception as crash:
        log.exception("mcp_request_crashed", method=ctx.method)
        raise MCPError(code=INTERNAL_ERROR, message="Internal error") from crash


def _code(refusal: DomainError) -> str:
    # The contract's codes are for models, which need not tell a used key from another bad argument,
    # nor what is not there: the message says that.
    if isinstance(refusal, IdempotencyConflict):
        return InvalidInput.code
    return TaskNotFound.code if isinstance(refusal, NotFound) else refusal.code


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
