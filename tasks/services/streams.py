"""A stream of events from a place on: what was missed first, then what happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from django.contrib.auth.models import AbstractBaseUser

from tasks.engine.event_data import describe_task
from tasks.engine.outbox import START, events_after
from tasks.models import Event, EventPlace, Task
from tasks.querysets import database_now
from tasks.services.feeds import Audience, Feed, Told, as_told
from tasks.services.live import Pump, this_loops_pump
from tasks.services.partials import partial_text
from tasks.vocabulary import EventType, Status

HEARTBEAT_S = 15.0
LONGEST_S = 900.0
_AT_ONCE = 500
_SNAPSHOT = "task.snapshot"
_ENDS = {
    Status.COMPLETED: EventType.COMPLETED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}


def audience_of(user: AbstractBaseUser) -> Audience:
    """Their own events; everybody's for staff."""
    return Audience() if getattr(user, "is_staff", False) else Audience(owner_id=user.pk)


def is_all_told(task: Task, after: EventPlace | None) -> bool:
    """Nothing is left to tell to somebody who has seen a task's stream up to `after`."""
    if after is None or after == START or not task.is_terminal:
        return False
    # A task's events are written under its lock, so their ids come in the order of the commits.
    return not Event.objects.filter(task_id=task.pk, pk__gt=after.id).exists()


async def follow(audience: Audience, after: EventPlace | None) -> AsyncIterator[Told | None]:
    """Events as they come; None where nothing came for HEARTBEAT_S, so that a dead line shows.

    after: the last event that the reader has seen; None: a task's stream begins with how the task
    stands, any other with what happens next. A task's stream ends with the task. Any stream ends
    after LONGEST_S, if it lags behind, or with the server: a reader comes back with `after`.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this is a coroutine's
    pump, feed = this_loops_pump(), Feed(audience, task.cancel)
    await pump.join(feed)
    try:
        async for told in _begin(pump, feed, after):
            yield told
            if _is_over(audience, told):
                return
        async for news in _go_on(feed, after):
            yield news
            if _is_over(audience, news):
                return
    finally:
        pump.leave(feed)


def _is_over(audience: Audience, told: Told | None) -> bool:
    return told is not None and told.is_last and audience.task_id is not None


async def _begin(pump: Pump, feed: Feed, after: EventPlace | None) -> AsyncIterator[Told]:
    """What happened between `after` and the feed's first event, and how the task stands."""
    if after is not None:
        async for told in _missed(pump, feed, after):
            yield told
    if feed.audience.task_id is not None:
        now = await pump.on_thread(_snapshot, feed.audience.task_id, feed.joined)
        if after is None or now.is_last:
            yield now


async def _missed(pump: Pump, feed: Feed, after: EventPlace) -> AsyncIterator[Told]:
    place = after
    while place < feed.joined:
        page = await pump.on_thread(_read_missed, place, feed.audience)
        for told in page:
            if told.place is None or told.place > feed.joined:
                return
            yield told
            place = told.place
        if len(page) < _AT_ONCE:
            return


async def _go_on(feed: Feed, after: EventPlace | None) -> AsyncIterator[Told | None]:
    loop = asyncio.get_running_loop()
    over_at = loop.time() + LONGEST_S
    while (rest_s := over_at - loop.time()) > 0:
        try:
            told = await asyncio.wait_for(feed.next(), min(HEARTBEAT_S, rest_s))
        except TimeoutError:
            yield None
            continue
        if told is None:
            return
        if after is None or told.place is None or told.place > after:
            yield told


def _read_missed(place: EventPlace, audience: Audience) -> list[Told]:
    return as_told(events_after(place, limit=_AT_ONCE, **audience._asdict()))


def _snapshot(task_id: int, joined: EventPlace) -> Told:
    """The task as it stands: its end, if it has ended, else a state that no event tells of."""
    task = Task.objects.defer("prompt", "system", "result").get(pk=task_id)
    kind = _ENDS.get(task.state)
    name = _SNAPSHOT if kind is None else kind.value
    facts = describe_task(task, name, task.finished_at or database_now())
    if kind is None:
        facts["partial"] = partial_text(task)
    return Told(
        place=None if kind is None else joined,
        kind=name,
        is_last=kind is not None,
        data=json.dumps(facts, ensure_ascii=False),
    )
