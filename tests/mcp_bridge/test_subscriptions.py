"""Being told that a task has changed, in both eras; others' tasks are never told of."""

from __future__ import annotations

import asyncio
import warnings

import anyio
import pytest
from asgiref.sync import sync_to_async
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_bridge.caller import Caller
from mcp_bridge.server import build_server
from mcp_bridge.subscriptions.templates import this_loops_template_news
from mcp_bridge.subscriptions.watch import Watch
from tasks.services.live import end_all_streams, this_loops_pump
from tasks.services.templates import create_template, delete_template, edit_template
from tests.mcp_bridge.modern import TASKS, talk

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
UPDATED = "notifications/resources/updated"
PROMPTS_CHANGED = "notifications/prompts/list_changed"


@pytest.fixture
def run(transactional_db, owner):
    """What `action` makes of a connection of the owner's."""

    def run(action, *declares, user=owner):
        async def converse():
            async with talk(Caller(user_id=user.pk, can_write=True), *declares) as connection:
                return await action(connection)

        return asyncio.run(converse())

    return run


async def _listen(connection, **wanted):
    """The request's id, and what the server agreed to tell of."""
    request_id = await connection.send("subscriptions/listen", notifications=wanted)
    first = await connection.receive()
    assert first["method"] == "notifications/subscriptions/acknowledged"
    assert first["params"]["_meta"][SUBSCRIPTION] == request_id
    return request_id, first["params"]["notifications"]


async def _told(connection):
    """The next notification about a subscription."""
    while True:
        message = connection.heard.pop(0) if connection.heard else await connection.receive()
        if SUBSCRIPTION in message.get("params", {}).get("_meta", {}):
            return message


def test_a_listener_is_told_when_its_task_changes_and_not_of_others(run, make_task):
    task, other = make_task(), make_task()
    uri = f"data://tasks/{task.pk}"

    async def listen(connection):
        request_id, honored = await _listen(connection, resourceSubscriptions=[uri])
        await connection.call("cancel_task", task_id=other.pk)
        await connection.call("cancel_task", task_id=task.pk)
        return request_id, honored, await _told(connection)

    request_id, honored, told = run(listen)
    assert honored == {"resourceSubscriptions": [uri]}
    assert told["method"] == UPDATED
    assert told["params"]["uri"] == uri
    assert told["params"]["_meta"][SUBSCRIPTION] == request_id


def test_only_ones_own_existing_tasks_are_agreed_to(run, stranger, make_task):
    mine, theirs = make_task(), make_task(owner=stranger)
    uris = [
        f"data://tasks/{mine.pk}", f"data://tasks/{theirs.pk}", "data://tasks/999999",
        "data://tasks/x", f"data://tasks/{2**70}", "data://system/stats", "", "file:///etc/passwd",
    ]  # fmt: skip

    async def listen(connection):
        ids = [str(mine.pk), str(theirs.pk), "999999", "x", "-1"]
        more = {"toolsListChanged": True, "resourcesListChanged": True, "taskIds": ids}
        return (await _listen(connection, resourceSubscriptions=uris, **more))[1]

    assert run(listen, TASKS) == {"resourceSubscriptions": [uris[0]], "taskIds": [str(mine.pk)]}
    assert run(listen) == {"resourceSubscriptions": [uris[0]]}


def test_a_follower_is_told_all_that_asking_would_have_told(run, make_task):
    task = make_task()

    async def listen(connection):
        await _listen(connection, taskIds=[str(task.pk)])
        await connection.call("cancel_task", task_id=task.pk)
        told = await _told(connection)
        return told, (await connection.ask("tasks/get", taskId=str(task.pk)))["result"]

    told, asked = run(listen, TASKS)
    assert told["method"] == "notifications/tasks"
    for shown in (told["params"], asked):
        shown.pop("_meta")
    assert told["params"] == {k: v for k, v in asked.items() if k != "resultType"}
    assert told["params"]["status"] == "cancelled"


def test_a_server_that_stops_ends_its_streams_in_good_order(run, make_task):
    uri = f"data://tasks/{make_task().pk}"

    async def listen(connection):
        ids = [
            (await _listen(connection, resourceSubscriptions=wanted))[0] for wanted in ([uri], [])
        ]
        end_all_streams()
        ends = [await connection.receive() for _ in ids]
        return ids, ends, this_loops_pump().feeds

    ids, ends, feeds = run(listen)
    assert sorted(end["id"] for end in ends) == ids
    assert all(end["result"]["resultType"] == "complete" for end in ends)
    assert feeds == []


def test_a_listener_that_leaves_leaves_nothing_behind(owner, make_task):
    uri = f"data://tasks/{make_task().pk}"

    async def leave():
        async with talk(Caller(user_id=owner.pk, can_write=True)) as connection:
            await _listen(connection, resourceSubscriptions=[uri])
            listened = len(this_loops_pump().feeds)
        return listened, len(this_loops_pump().feeds)

    assert asyncio.run(leave()) == (1, 0)


def test_many_changes_before_anyone_looks_are_one_piece_of_news():
    async def change():
        watch = Watch()
        for task_id in (1, 2, 1, 1):
            watch.tell(task_id)
        watch.end()
        return [await watch.next() for _ in range(3)]

    assert asyncio.run(change()) == [1, 2, None]


def _legacy(user, action):
    """What `action` makes of a client of the handshake era, and what it was told of."""
    told = []

    async def hear(message):
        if getattr(message, "method", "") == UPDATED:
            told.append(str(message.params.uri))
        elif getattr(message, "method", "") == PROMPTS_CHANGED:
            told.append(PROMPTS_CHANGED)

    async def converse():
        server = build_server(lambda ctx: Caller(user_id=user.pk, can_write=True))
        async with Client(server, mode="legacy", message_handler=hear) as client:
            try:
                return await action(client, told)
            except MCPError as refusal:
                return refusal

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asyncio.run(converse())


async def _until(condition):
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.01)


def test_a_legacy_client_subscribes_is_told_and_unsubscribes(owner, make_task):
    first, second = make_task(), make_task()
    uris = [f"data://tasks/{task.pk}" for task in (first, second)]

    async def subscribe(client, told):
        assert client.server_capabilities.resources.subscribe is True
        for uri in uris:
            await client.subscribe_resource(uri)
        await client.unsubscribe_resource(uris[0])
        await client.call_tool("cancel_task", {"task_id": first.pk})
        await client.call_tool("cancel_task", {"task_id": second.pk})
        await _until(lambda: told)
        return told

    assert _legacy(owner, subscribe) == [uris[1]]


@pytest.mark.parametrize("uri", ["theirs", "data://tasks/999999", "data://tasks/x", "test://x"])
def test_a_legacy_client_cannot_subscribe_to_what_is_not_its_own(owner, stranger, make_task, uri):
    uri = f"data://tasks/{make_task(owner=stranger).pk}" if uri == "theirs" else uri
    refused = _legacy(owner, lambda client, told: client.subscribe_resource(uri))
    assert (refused.code, refused.message) == (-32002, "Resource not found")


def test_what_never_changes_by_itself_may_be_subscribed_to(owner, transactional_db):
    subscribe = _legacy(owner, lambda c, told: c.subscribe_resource("data://tasks/statuses"))
    assert not isinstance(subscribe, MCPError)


@pytest.fixture
def looking_often(monkeypatch):
    monkeypatch.setattr("mcp_bridge.subscriptions.templates.LOOK_EVERY_S", 0.02)


def _publish(user, name="greet"):
    return create_template(user, {"name": name, "prompt": "Hi {{ who }}", "published": True})


def test_a_legacy_client_that_listed_its_prompts_is_told_when_they_change(
    owner, stranger, transactional_db, looking_often
):
    async def change(client, told):
        assert client.server_capabilities.prompts.list_changed is True
        await client.list_prompts()
        await sync_to_async(_publish)(stranger)
        for step in (_publish, _reword, _unpublish, _publish_again, _delete):
            await sync_to_async(step)(owner)
            await _until(lambda: told)
            assert told == [PROMPTS_CHANGED]
            told.clear()
        return [prompt.name for prompt in (await client.list_prompts()).prompts]

    assert "greet" not in _legacy(owner, change)


def _reword(user):
    edit_template(user, user.templates.get().pk, {"prompt": "Hello {{ who }}"})


def _unpublish(user):
    edit_template(user, user.templates.get().pk, {"published": False})


def _publish_again(user):
    edit_template(user, user.templates.get().pk, {"published": True})


def _delete(user):
    delete_template(user, user.templates.get().pk)


def test_a_listener_is_told_when_its_prompts_change_and_not_of_others(
    run, owner, stranger, looking_often
):
    async def listen(connection):
        request_id, honored = await _listen(connection, promptsListChanged=True)
        await sync_to_async(_publish)(stranger)
        await sync_to_async(_publish)(owner)
        return request_id, honored, await _told(connection)

    request_id, honored, told = run(listen)
    assert honored == {"promptsListChanged": True}
    assert told["method"] == PROMPTS_CHANGED
    assert told["params"]["_meta"][SUBSCRIPTION] == request_id


def test_nobody_looks_at_templates_when_nobody_listens(owner, transactional_db, looking_often):
    async def leave():
        async with talk(Caller(user_id=owner.pk, can_write=True)) as connection:
            await _listen(connection, promptsListChanged=True)
            news = this_loops_template_news()
            assert news.is_looking
        await _until(lambda: not news.is_looking)

    asyncio.run(leave())
