"""The news of some tasks, gathered: that a task has changed, not how often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from tasks.services.feeds import Audience, Feed, Told
from tasks.services.live import this_loops_pump

_NO_TASK = 0


class Watch:
    """Iterate over `next()`. Whoever made one calls `close()`."""

    def __init__(self) -> None:
        self._feeds: dict[int, _TaskFeed] = {}
        self._changed: dict[int, None] = {}
        self._news = asyncio.Event()
        self._has_ended = False

    async def add(self, task_ids: Iterable[int]) -> None:
        """From now on these too. Raises: Django's database errors.

        With none at all there is still an end to be told of, when the server stops.
        """
        for task_id in [*task_ids] or [_NO_TASK]:
            if task_id not in self._feeds:
                self._feeds[task_id] = feed = _TaskFeed(self, task_id)
                await this_loops_pump().join(feed)

    def remove(self, task_id: int) -> None:
        feed = self._feeds.pop(task_id, None)
        if feed is not None:
            this_loops_pump().leave(feed)
            self._changed.pop(task_id, None)

    def close(self) -> None:
        for task_id in [*self._feeds]:
            self.remove(task_id)

    async def next(self) -> int | None:
        """The task that has changed and was not returned since; None: there will be no more."""
        while not self._changed:
            if self._has_ended:
                return None
            self._news.clear()
            await self._news.wait()
        task_id = next(iter(self._changed))
        del self._changed[task_id]
        return task_id

    def tell(self, task_id: int) -> None:
        self._changed[task_id] = None
        self._news.set()

    def end(self) -> None:
        self._has_ended = True
        self._news.set()


class _TaskFeed(Feed):
    """What the reader of the outbox hands one task's events to."""

    def __init__(self, watch: Watch, task_id: int) -> None:
        super().__init__(Audience(task_id=task_id), cut=watch.end)
        self._watch, self._task_id = watch, task_id

    def take(self, told: Told) -> None:
        self._watch.tell(self._task_id)

    def end(self) -> None:
        self._watch.end()
