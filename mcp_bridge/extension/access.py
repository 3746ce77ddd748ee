"""Which requests may use the extension."""

from __future__ import annotations

from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request

from mcp_bridge.identity import Context

EXTENSION = "io.modelcontextprotocol/tasks"


def is_follower(ctx: Context) -> bool:
    """Whether the client declared the extension with this request."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in (declared or {})


def check_follower(ctx: Context, task_id: str) -> None:
    """Raises MCPError unless the client speaks the extension and its headers agree with it."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        raise MCPError(code=METHOD_NOT_FOUND, message="Method not found", data=ctx.method)
    if not is_follower(ctx):
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message=f"Declare the extension {EXTENSION} to use {ctx.method}",
            data={"requiredCapabilities": {"extensions": {EXTENSION: {}}}},
        )
    if isinstance(ctx.request, Request):
        header = decode_header_value(ctx.request.headers.get(MCP_NAME_HEADER))
        if header != task_id:
            message = f"{MCP_NAME_HEADER} header does not match the request body's 'taskId'"
            raise MCPError(code=HEADER_MISMATCH, message=message)
