"""Live events: one reader of the outbox in a process, which feeds every stream of it.

While somebody listens it looks ten times a second, an indexed look that costs the database next
to nothing; so nobody who writes events must wake anybody, and nobody is woken for nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import TypeVar
from weakref import WeakKeyDictionary

import structlog
from django.db import Error, connection

from tasks.conf import get_conf
from tasks.engine.outbox import START, events_after, latest_place
from tasks.models import Event, EventPlace
from tasks.services.feeds import Audience, Feed, as_told
from tasks.services.partials import PartialNews

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

LOOK_EVERY_S = 0.1
_LOOK_AT_TEXTS_EVERY_S = 0.5
_LOOK_AGAIN_S = 1.0
_AT_ONCE = 500


class Pump:
    """Belongs to one event loop. Reads while there are feeds, on one thread of its own."""

    def __init__(self) -> None:
        self._feeds: dict[Audience, set[Feed]] = defaultdict(set)
        self._place = START
        self._task: asyncio.Task[None] | None = None
        self._start = asyncio.Lock()
        self._partials = PartialNews()
        self._next_texts_at = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")

    @property
    def feeds(self) -> list[Feed]:
        return [feed for feeds in self._feeds.values() for feed in feeds]

    async def join(self, feed: Feed) -> None:
        """From now on the feed gets its events. Raises: Django's database errors."""
        async with self._start:
            if self._task is None:
                self._place = await self.on_thread(latest_place)
                run = self._run()
                # Not the first listener's context, whose threads end with its request.
                self._task = asyncio.get_running_loop().create_task(run, context=Context())
            feed.joined = self._place
            self._feeds[feed.audience].add(feed)
            if feed.audience.task_id is not None:
                self._partials.forget(feed.audience.task_id)

    def leave(self, feed: Feed) -> None:
        self._feeds[feed.audience].discard(feed)
        if not self._feeds[feed.audience]:
            del self._feeds[feed.audience]

    async def on_thread(self, read: Callable[..., Found], *arguments: object) -> Found:
        """`read` on the pump's thread and database connection."""

        def run() -> Found:
            try:
                return read(*arguments)
            except Error:
                connection.close()  # dead, perhaps; the next look opens another
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    async def _run(self) -> None:
        try:
            while self._feeds:
                await asyncio.sleep(await self._look())
        except Exception:
            log.exception("live events stopped; the streams end and come back")
            self.end()
        finally:
            self._task = None
            self._thread.submit(_hang_up)

    def end(self) -> None:
        """Every stream ends; whoever comes back misses nothing."""
        for feed in self.feeds:
            feed.end()

    async def _look(self) -> float:
        """Tell what is new. Returns how long to wait before the next look, seconds."""
        try:
            events = await self.on_thread(_read_on, self._place)
            await self._tell(events)
            await self._tell_partials()
        except Error as error:
            log.warning("live events wait for the database", error=type(error).__name__)
            return _LOOK_AGAIN_S
        return 0.0 if len(events) == _AT_ONCE else LOOK_EVERY_S

    async def _tell(self, events: Sequence[Event]) -> None:
        """To the feeds that are there now; who joins meanwhile has its place behind these."""
        if not events:
            return
        self._place = events[-1].place
        heard = [(event, feeds) for event in events if (feeds := self._listeners(event))]
        try:
            all_told = await self.on_thread(as_told, [event for event, _ in heard])
        except Error:
            for _, feeds in heard:
                for feed in feeds:
                    feed.end()  # it would miss these; it comes back for them
            raise
        for told, (_, feeds) in zip(all_told, heard, strict=True):
            for feed in feeds:
                feed.take(told)

    async def _tell_partials(self) -> None:
        """To the streams of single tasks, the texts that have grown."""
        watched = [audience.task_id for audience in self._feeds if audience.task_id is not None]
        now = asyncio.get_running_loop().time()
        if not watched or not get_conf().stream or now < self._next_texts_at:
            return
        self._next_texts_at = now + _LOOK_AT_TEXTS_EVERY_S
        for task_id, told in (await self.on_thread(self._partials.read, watched)).items():
            for feed in self._feeds.get(Audience(task_id=task_id), ()):
                feed.offer(told)

    def _listeners(self, event: Event) -> list[Feed]:
        audiences = [Audience(), Audience(owner_id=event.owner_id)]
        if event.task_id is not None:
            audiences.append(Audience(task_id=event.task_id))
        return [feed for audience in audiences for feed in self._feeds.get(audience, ())]


def _hang_up() -> None:
    connection.close()  # this thread's: looked up where it runs


def _read_on(place: EventPlace) -> list[Event]:
    return events_after(place, limit=_AT_ONCE)


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, Pump] = WeakKeyDictionary()


def this_loops_pump() -> Pump:
    """The one pump of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _pumps:
        _pumps[loop] = Pump()
    return _pumps[loop]


def end_all_streams() -> None:
    """The server stops: every stream of this event loop ends now."""
    this_loops_pump().end()
