"""The server, spoken to by the SDK's own client in memory; each call a connection of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from mcp_bridge.caller import Caller
from mcp_bridge.database import threads
from mcp_bridge.server import build_server
from tasks.models import Task


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A client that acts as one user. `mode` is the client's: an era of the protocol."""

    caller: Caller
    mode: str

    def do(self, action: Callable[[Client], Awaitable[Any]]) -> Any:
        """What `action` makes of a connected client. Raises the server's refusal, MCPError."""

        async def run() -> Any:
            async with Client(build_server(lambda ctx: self.caller), mode=self.mode) as client:
                try:
                    return await action(client)
                except MCPError as refusal:  # to be raised outside of the client's task groups
                    return refusal

        outcome = asyncio.run(run())
        if isinstance(outcome, MCPError):
            raise outcome
        return outcome

    def call(self, tool: str, /, **arguments: Any) -> CallToolResult:
        return self.do(lambda client: client.call_tool(tool, arguments))

    def ask(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured content of a call that succeeds."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content[0].text
        assert json.loads(result.content[0].text) == result.structured_content
        return result.structured_content

    def refusal(self, tool: str, /, **arguments: Any) -> tuple[str, str]:
        """Code and message of a call that is refused."""
        result = self.call(tool, **arguments)
        assert result.is_error
        assert result.structured_content is None
        error = json.loads(result.content[0].text)["error"]
        assert set(error) == {"code", "message"}
        return error["code"], error["message"]

    def read(self, uri: str) -> Any:
        (content,) = self.do(lambda client: client.read_resource(uri)).contents
        assert content.mime_type == "application/json"
        return json.loads(content.text)


@pytest.fixture(params=["legacy", "auto"])
def era(request) -> str:
    """Both eras of the protocol: the handshake's and the one without."""
    return request.param


@pytest.fixture
def open_desk(transactional_db):
    """Threads of the server have connections of their own, so rows must be committed."""

    def open_desk(user, *, can_write=True, mode="auto", **more) -> Desk:
        return Desk(caller=Caller(user_id=user.pk, can_write=can_write, **more), mode=mode)

    return open_desk


@pytest.fixture
def desk(open_desk, owner) -> Desk:
    return open_desk(owner)


@pytest.fixture
def make_task(transactional_db, owner):
    """A task as the engine would have left it, ended a minute ago after a run of 2 s."""

    def make(status="PENDING", **values) -> Task:
        end = timezone.now() - timedelta(minutes=1)
        asked = {"owner": owner, "prompt": "hello", "provider": "mock", "model": "mock-1"}
        values = asked | {"max_attempts": 5, "status": status} | values
        if status in ("COMPLETED", "FAILED", "CANCELLED"):
            values = {"started_at": end - timedelta(seconds=2), "finished_at": end} | values
        if status == "COMPLETED":
            served = {"served_provider": "mock", "served_model": "mock-1"}
            values = {"result": "hi", "result_source": "mock"} | served | values
        if status == "FAILED":
            values = {"error_code": "timeout", "error_message": "took too long"} | values
        return Task.objects.create(**values)

    return make


@pytest.fixture(autouse=True, scope="session")
def _say_goodbye(django_db_setup):
    """The server's threads keep their connections, and a database in use cannot be dropped."""
    yield
    threads.end()
