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
@pytest.mark.parametrize("cursor", ["made-up", "", "WyJ0b29scyIsMV0:1abc:x", "\u2603", "x" * 9000])
def test_a_cursor_that_nobody_gave_is_refused(open_desk, owner, era, method, cursor):
    desk = open_desk(owner, mode=era)
    error = _error_of(desk, lambda client: getattr(client, method)(cursor=cursor))
    assert (error.code, error.message) == (-32602, "Invalid cursor")


def test_a_long_list_comes_in_pages_that_hold_each_item_once(open_desk, owner, era, monkeypatch):
    whole = open_desk(owner, mode=era).do(lambda client: client.list_tools())
    assert whole.next_cursor is None
    monkeypatch.setattr("mcp_bridge.pages.PAGE_ITEMS", 3)

    async def walk(client):
        names, cursor, sizes = [], None, []
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            sizes.append(len(page.tools))
            cursor = page.next_cursor
            if cursor is None:
                return names, sizes

    names, sizes = open_desk(owner, mode=era).do(walk)
    assert names == [tool.name for tool in whole.tools]
    assert set(sizes[:-1]) == {3}


def test_a_cursor_of_one_list_is_none_of_another(open_desk, owner, monkeypatch):
    monkeypatch.setattr("mcp_bridge.pages.PAGE_ITEMS", 2)
    desk = open_desk(owner)
    cursor = desk.do(lambda client: client.list_tools()).next_cursor
    error = _error_of(desk, lambda client: client.list_prompts(cursor=cursor))
    assert (error.code, error.message) == (-32602, "Invalid cursor")


def test_a_modern_client_is_told_how_long_it_may_keep_what_it_read(desk, make_task):
    task = make_task()

    async def hints(client):
        listed = [await client.list_tools(), await client.list_resources()]
        uris = ["data://tasks/statuses", "data://system/stats", f"data://tasks/{task.pk}"]
        read = [await client.read_resource(uri) for uri in uris]
        return [(result.ttl_ms, result.cache_scope) for result in (*listed, *read)]

    assert desk.do(hints) == [
        (3_600_000, "private"), (3_600_000, "public"),
        (3_600_000, "public"), (5_000, "private"), (0, "private"),
    ]  # fmt: skip


def test_everything_listed_has_an_icon_that_needs_no_network(open_desk, owner, era):
    async def icons(client):
        listed = [
            *(await client.list_tools()).tools, *(await client.list_prompts()).prompts,
            *(await client.list_resources()).resources,
            *(await client.list_resource_templates()).resource_templates,
        ]  # fmt: skip
        return [item.icons[0].src for item in listed]

    found = open_desk(owner, mode=era).do(icons)
    assert found
    assert all(src.startswith("data:image/svg+xml;base64,") for src in found)


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
        patch.setattr("mcp_bridge.tools.status.get_standing", fail)
        code, message = desk.refusal("get_task_status", task_id=task.pk)
        assert code == "DATABASE_UNAVAILABLE"
        assert "secret" not in message
    assert desk.ask("get_task_status", task_id=task.pk)["task"]["status"] == "PENDING"
