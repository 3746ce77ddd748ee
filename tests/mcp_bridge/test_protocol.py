"""What the SDK leaves open is closed."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from mcp.shared.exceptions import MCPError

from mcp_bridge.tools import TOOLS


def _error_of(desk, action):
    with pytest.raises(MCPError) as caught:
        desk.do(action)
    return caught.value


def test_an_unknown_tool_is_an_error_of_the_protocol(open_desk, owner, era):
    desk = open_desk(owner, mode=era)
    error = _error_of(desk, lambda client: client.session.call_tool("no_such_tool", {}))
    assert (error.code, error.message) == (-32602, "Unknown tool: no_such_tool")


@pytest.mark.parametrize(
    "method", ["list_tools", "list_resources", "list_resource_templates", "list_prompts"]
)
def test_a_cursor_that_nobody_gave_is_refused(open_desk, owner, era, method):
    desk = open_desk(owner, mode=era)
    error = _error_of(desk, lambda client: getattr(client, method)(cursor="made-up"))
    assert (error.code, error.message) == (-32602, "Invalid cursor")


def test_the_server_tells_its_name_and_the_way_through_its_tools(open_desk, owner, era):
    async def instructions(client):
        return client.instructions

    text = open_desk(owner, mode=era).do(instructions)
    steps = [text.index(name) for name in ("create_task", "wait_for_task", "get_task_result")]
    assert steps == sorted(steps)


def test_the_text_of_an_unforeseen_crash_stays_on_the_server(open_desk, owner, era, monkeypatch):
    def crash(call):
        raise RuntimeError("secret detail")

    broken = TOOLS["list_tasks"].__class__(**{**vars(TOOLS["list_tasks"]), "run": crash})
    monkeypatch.setitem(TOOLS, "list_tasks", broken)
    desk = open_desk(owner, mode=era)
    error = _error_of(desk, lambda client: client.call_tool("list_tasks", {}))
    assert (error.code, error.message) == (-32603, "Internal error")


def test_a_database_that_is_away_is_an_error_the_model_can_read(desk, make_task, monkeypatch):
    task = make_task()

    def fail(*arguments):
        raise OperationalError("connection to server at 10.0.0.7 failed: password=secret")

    with monkeypatch.context() as patch:
        patch.setattr("mcp_bridge.tools.status.get_task", fail)
        code, message = desk.refusal("get_task_status", task_id=task.pk)
        assert code == "DATABASE_UNAVAILABLE"
        assert "secret" not in message
    assert desk.ask("get_task_status", task_id=task.pk)["task"]["status"] == "PENDING"
