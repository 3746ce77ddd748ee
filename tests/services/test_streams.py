"""Live events, in one event loop beside a database that other connections write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tasks import services
from tasks.engine.outbox import START, events_after
from tasks.services import feeds, streams
from tasks.services.feeds import Audience, Told
from tasks.services.live import end_all_streams, this_loops_pump
from tasks.services.streams import audience_of, follow, is_all_told
from tests.outbox import settled_events

pytestmark = pytest.mark.django_db(transaction=True)
ENOUGH_S = 10


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def to_the_end() -> Any:
        async with asyncio.timeout(ENOUGH_S * 2):
            result = await main()
        await sync_to_async(connections.close_all)()
        pump = this_loops_pump()
        await pump.on_thread(connections.close_all)
        return result

    return asyncio.run(to_the_end())


async def read(stream: AsyncIterator[Told | None], count: int) -> list[Told]:
    """The next `count` events, leaving out the heartbeats."""
    told = []
    async for one in stream:
        if one is not None:
            told.append(one)
        if len(told) == count:
            break
    return told


async def on_database(do: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return await sync_to_async(do)(*arguments, **named)


def kinds(told: list[Told]) -> list[str]:
    return [one.kind for one in told]


async def listening(count: int) -> None:
    while len(this_loops_pump().feeds) < count:
        await asyncio.sleep(0.01)


def test_a_tasks_stream_tells_how_it_stands_and_ends_with_the_task(owner, make_task):
    task = make_task()
    settled_events()

    async def main() -> list[Told]:
        stream = asyncio.create_task(read(follow(Audience(task_id=task.pk), None), 99))
        await listening(1)
        await on_database(services.cancel, owner, task.pk)
        return await stream

    told = run(main)
    assert kinds(told) == ["task.snapshot", "task.cancelled"]
    assert told[0].place is None  # no event, so nobody may ask on from it
    assert '"status": "CANCELLED"' in told[1].data
    assert is_all_told(services.get_task(owner, task.pk), told[1].place)


def test_an_ended_task_is_told_at_once(owner, make_task):
    task = make_task()
    services.cancel(owner, task.pk)

    async def main() -> list[Told]:
        return await read(follow(Audience(task_id=task.pk), None), 99)

    assert kinds(run(main)) == ["task.cancelled"]


def test_a_task_that_was_retried_after_its_end_has_more_to_tell(owner, make_task):
    task = make_task()
    services.cancel(owner, task.pk)
    seen = settled_events()[-1].place
    assert is_all_told(services.get_task(owner, task.pk), seen)
    assert not is_all_told(services.get_task(owner, task.pk), START)

    services.retry(owner, task.pk)
    services.cancel(owner, task.pk)

    assert not is_all_told(services.get_task(owner, task.pk), seen)


def test_each_hears_of_their_own_and_staff_of_all(owner, stranger, operator):
    async def main() -> list[list[Told]]:
        listeners = [
            asyncio.create_task(read(follow(audience_of(user), None), count))
            for user, count in ((owner, 1), (stranger, 1), (operator, 2))
        ]
        await listening(3)
        await on_database(services.submit, owner, {"prompt": "mine"})
        await on_database(services.submit, stranger, {"prompt": "theirs"})
        return list(await asyncio.gather(*listeners))

    mine, theirs, all_told = run(main)
    assert [one.data for one in all_told] == [mine[0].data, theirs[0].data]
    assert mine[0].data != theirs[0].data


def test_whoever_comes_back_misses_nothing_and_hears_nothing_twice(owner, monkeypatch):
    monkeypatch.setattr(streams, "_AT_ONCE", 3)  # several pages of what was missed
    for _ in range(8):
        services.submit(owner, {"prompt": "hello"})
    second = settled_events()[1].place

    async def main() -> list[Told]:
        stream = asyncio.create_task(read(follow(audience_of(owner), second), 9))
        await listening(1)
        for _ in range(3):
            await on_database(services.submit, owner, {"prompt": "hello"})
        return await stream

    told = run(main)
    assert [one.place for one in told] == [event.place for event in settled_events()[2:]]


def test_a_stream_that_lags_is_cut_and_the_others_go_on(owner, monkeypatch):
    monkeypatch.setattr(feeds, "MOST_UNSENT", 3)

    async def stuck() -> None:
        async for _ in follow(audience_of(owner), None):
            await asyncio.sleep(3600)  # as a send does to a client that does not read

    async def main() -> tuple[bool, list[Told]]:
        slow = asyncio.create_task(stuck())
        quick = asyncio.create_task(read(follow(audience_of(owner), None), 6))
        await listening(2)
        for _ in range(6):
            await on_database(services.submit, owner, {"prompt": "hello"})
            await asyncio.sleep(0.15)
        await asyncio.wait([slow], timeout=ENOUGH_S)
        return slow.cancelled(), await quick

    was_cut, told = run(main)
    assert was_cut
    assert len(told) == 6


def test_silence_shows_that_the_line_is_alive(owner, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.02)

    async def main() -> Told | None:
        return await anext(follow(audience_of(owner), None))

    assert run(main) is None


def test_all_streams_end_with_the_server_and_nobody_reads_on(owner):
    async def main() -> tuple[list[list[Told]], int]:
        listeners = [
            asyncio.create_task(read(follow(audience_of(owner), None), 99)) for _ in range(5)
        ]
        await listening(5)
        end_all_streams()
        return await asyncio.gather(*listeners), len(this_loops_pump().feeds)

    assert run(main) == ([[]] * 5, 0)


def test_a_database_that_was_away_costs_a_stream_nothing(owner, monkeypatch):
    from django.db import OperationalError

    from tasks.services import live

    failures = [OperationalError("away")]
    monkeypatch.setattr(live, "_LOOK_AGAIN_S", 0.01)

    def look(*arguments, **named):
        if failures:
            raise failures.pop()
        return events_after(*arguments, **named)

    monkeypatch.setattr(live, "events_after", look)

    async def main() -> list[Told]:
        stream = asyncio.create_task(read(follow(audience_of(owner), None), 1))
        await listening(1)
        await on_database(services.submit, owner, {"prompt": "hello"})
        return await stream

    assert kinds(run(main)) == ["task.submitted"]
    assert not failures
