"""Following a task to its end without holding a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connection

from tasks.models import Task
from tasks.vocabulary import TERMINAL

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5


async def wait_until_terminal(
    task_id: int,
    timeout_s: float,
    on_status: Callable[[str, float], Awaitable[None]] | None = None,
) -> bool:
    """True once the task has ended (or is gone), False after `timeout_s` seconds, or as soon as the
    server stops.

    on_status: awaited with the status and the seconds waited, at every look.
    One indexed one-column look a time, from 20 ms apart to half a second apart; between two looks
    no connection is held, so a hundred waiters do not empty the pool.
    """
    started = time.monotonic()
    pause_s = _FIRST_PAUSE_S
    while True:
        status = await _look(task_id)
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


@sync_to_async
def _look(task_id: int) -> str | None:
    try:
        return Task.objects.filter(pk=task_id).values_list("status", flat=True).first()
    finally:
        if not connection.in_atomic_block:  # the caller's transaction goes on
            connection.close_if_unusable_or_obsolete()
