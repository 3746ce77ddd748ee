"""Serving one client over the process's own stdin and stdout."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import anyio
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from mcp_bridge.stdin import read_lines

_EOF_GRACE_S = 1.5  # clients kill a server that outlives its stdin by 2 s
_LOOK_EVERY_S = 0.02


class InFlight:
    """Middleware that knows how many requests are being answered. Listening is no answer."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        if ctx.method == "subscriptions/listen":
            return await call_next(ctx)
        self.count += 1
        try:
            return await call_next(ctx)
        finally:
            self.count -= 1

    async def settle(self) -> None:
        """Return once nothing is in flight for a moment, or the grace is over."""
        quiet = 0
        with anyio.move_on_after(_EOF_GRACE_S):
            while quiet < 3:
                await anyio.sleep(_LOOK_EVERY_S)
                quiet = 0 if self.count else quiet + 1


class Stdin:
    """What the SDK iterates: the lines that are messages; of the others it would say nothing.

    After the last line it lets short calls end: `printf … | manage.py runmcp`.
    """

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self.send: Callable[[SessionMessage], Awaitable[None]] | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        async for line in read_lines(0):
            if not line.strip():
                continue
            refusal = _find_fault(line)
            if refusal is None:
                yield line
            elif self.send is not None:
                error = JSONRPCError(jsonrpc="2.0", id=None, error=refusal)
                await self.send(SessionMessage(error))
        await self._in_flight.settle()


def _find_fault(line: str) -> ErrorData | None:
    try:
        jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as fault:
        if any(error["type"] == "json_invalid" for error in fault.errors()):
            return ErrorData(code=PARSE_ERROR, message="Parse error")
        return ErrorData(code=INVALID_REQUEST, message="Invalid request")
    return None


async def serve_stdio(server: Server[Any]) -> None:
    """Until stdin ends, or SIGINT or SIGTERM comes; then everything in flight is dropped."""
    in_flight = InFlight()
    stdin = Stdin(in_flight)
    server.middleware.append(in_flight)
    async with anyio.create_task_group() as group:
        group.start_soon(_cancel_on_signal, group.cancel_scope)
        async with stdio_server(stdin=cast("anyio.AsyncFile[str]", stdin)) as (messages, answers):
            stdin.send = answers.send
            await server.run(messages, answers, server.create_initialization_options())
        group.cancel_scope.cancel()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return
