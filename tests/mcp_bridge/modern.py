"""Raw messages of the 2026-07-28 revision, in memory: what the SDK's client hides or lacks."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from mcp_bridge.caller import Caller
from mcp_bridge.server import build_server

TASKS = "io.modelcontextprotocol/tasks"


class Talk:
    """One connection. `heard`: the notifications that came, in their order."""

    def __init__(self, read: Any, write: Any, declares: tuple[str, ...]) -> None:
        self._read, self._write, self._declares = read, write, declares
        self._ids = itertools.count(1)
        self.heard: list[dict[str, Any]] = []

    async def send(self, method: str, **params: Any) -> int:
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {
                "extensions": {name: {} for name in self._declares}
            },
        }
        request_id = next(self._ids)
        body = {"jsonrpc": "2.0", "id": request_id, "method": method}
        body["params"] = {**params, "_meta": meta}
        await self._write.send(SessionMessage(jsonrpc_message_adapter.validate_python(body)))
        return request_id

    async def receive(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        with anyio.fail_after(10):
            message = (await self._read.receive()).message
        return message.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer, which is a `result` or an `error`."""
        request_id = await self.send(method, **params)
        while (message := await self.receive()).get("id") != request_id:
            self.heard.append(message)
        return message

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.ask("tools/call", name=tool, arguments=arguments)
        result: dict[str, Any] = answer["result"]
        return result


@asynccontextmanager
async def talk(caller: Caller, *declares: str) -> AsyncIterator[Talk]:
    server = build_server(lambda ctx: caller)
    async with (
        create_client_server_memory_streams() as (ours, theirs),
        anyio.create_task_group() as group,
    ):
        options = server.create_initialization_options()
        group.start_soon(server.run, *theirs, options)
        yield Talk(*ours, declares)
        group.cancel_scope.cancel()
