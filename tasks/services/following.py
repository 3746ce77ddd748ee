"""Following a task to its end without holding a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connection

from tasks.models import Task
from tasks.vocabulary import TERMINAL

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5
_GAP_A_WAITER_S = 0.001
_LONGEST_GAP_S = 0.1
_MOST_KEYS = 500


async def wait_until_terminal(
    task_id: int,
    timeout_s: float,
    on_status: Callable[[str, float], Awaitable[None]] | None = None,
) -> bool:
    """True once the task has ended (or is gone), False after `timeout_s` seconds, or as soon as the
    server stops.

    on_status: awaited with the status and the seconds waited, at every look.
    It looks from 20 ms apart to half a second apart, together with whoever else waits; between two
    looks no connection is held, so a hundred waiters do not empty the pool.
    """
    looks = _this_loops_looks()
    looks.waiters += 1
    try:
        return await _wait(looks, task_id, timeout_s, on_status)
    finally:
        looks.waiters -= 1


async def _wait(
    looks: _Looks,
    task_id: int,
    timeout_s: float,
    on_status: Callable[[str, float], Awaitable[None]] | None,
) -> bool:
    started = time.monotonic()
    pause_s = _FIRST_PAUSE_S
    while True:
        status = await looks.status_of(task_id)
        waited_s = time.monotonic() - started
        if on_status is not None and status is not None:
            await on_status(status, waited_s)
        if status is None or status in TERMINAL:
            return True
        if waited_s >= timeout_s or await _stops_within(min(pause_s, timeout_s - waited_s)):
            return False
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


_stops: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Event] = WeakKeyDictionary()


def end_all_waits() -> None:
    """The server stops: whoever waits on this event loop is answered now."""
    _this_loops_stop().set()


def _this_loops_stop() -> asyncio.Event:
    return _stops.setdefault(asyncio.get_running_loop(), asyncio.Event())


async def _stops_within(pause_s: float) -> bool:
    """False after `pause_s` seconds."""
    try:
        return await asyncio.wait_for(_this_loops_stop().wait(), pause_s)
    except TimeoutError:
        return False


@dataclass(eq=False)
class _Round:
    """One look: for which tasks, and what it found; None: not yet, or its looker was ended.
    `error`: what it met instead, for all who share it: each would wait as long for the same."""

    keys: set[int] = field(default_factory=set)
    is_led: bool = False
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: dict[int, str] | None = None
    error: Exception | None = None


class _Looks:
    """One event loop's: who asks within a short while shares one look, which the first one takes,
    for the more waiters there are, the longer the while."""

    def __init__(self) -> None:
        self.waiters = 0
        self._round = _Round()
        self._next_at = 0.0

    async def status_of(self, task_id: int) -> str | None:
        """As it is after this call began; None: there is no such task (any more)."""
        while True:
            this = self._round
            this.keys.add(task_id)
            if this.is_led:
                await this.is_over.wait()
                if this.error is not None:
                    raise this.error
            else:
                await self._lead(this)
            if this.statuses is not None:
                return this.statuses.get(task_id)

    async def _lead(self, this: _Round) -> None:
        this.is_led = True
        try:
            await asyncio.sleep(self._next_at - time.monotonic())
            self._next_at = time.monotonic() + min(_LONGEST_GAP_S, _GAP_A_WAITER_S * self.waiters)
            self._round = _Round()
            this.statuses = await _look(sorted(this.keys))
        except Exception as error:
            this.error = error
            raise
        finally:
            if self._round is this:
                self._round = _Round()
            this.is_over.set()


_looks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Looks] = WeakKeyDictionary()


def _this_loops_looks() -> _Looks:
    return _looks.setdefault(asyncio.get_running_loop(), _Looks())


@sync_to_async
def _look(keys: list[int]) -> dict[int, str]:
    """On a thread of whoever leads: in a request's context, its own, and its own connection."""
    found: dict[int, str] = {}
    try:
        for first in range(0, len(keys), _MOST_KEYS):
            rows = Task.objects.filter(pk__in=keys[first : first + _MOST_KEYS])
            found.update(rows.values_list("pk", "status"))
        return found
    finally:
        if not connection.in_atomic_block:  # the caller's transaction goes on
            connection.close_if_unusable_or_obsolete()
