"""News, gathered: that something has changed, not how often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from mcp_bridge.subscriptions.templates import this_loops_template_news
from tasks.services.feeds import Audience, Feed, Told
from tasks.services.live import this_loops_pump

_NO_TASK = 0
PROMPTS = -1
"""In place of a task: the list of prompts has changed."""


class Watch:
    """Iterate over `next()`. Whoever made one calls `close()`."""

    def __init__(self) -> None:
        self._feeds: dict[int, _TaskFeed] = {}
        self._changed: dict[int, None] = {}
        self._news = asyncio.Event()
        self._has_ended = False
        self._prompts_of: int | None = None

    async def add(self, task_ids: Iterable[int]) -> None:
        """From now on these too. Raises: Django's database errors.

        With none at all there is still an end to be told of, when the server stops.
        """
        for task_id in [*task_ids] or [_NO_TASK]:
            if task_id not in self._feeds:
                self._feeds[task_id] = feed = _TaskFeed(self, task_id)
                await this_loops_pump().join(feed)

    async def add_prompts(self, owner_id: int) -> None:
        """From now on this user's list of prompts too. Raises: DatabaseUnavailable."""
        await this_loops_template_news().join(owner_id, self._tell_prompts)
        self._prompts_of = owner_id

    def remove(self, task_id: int) -> None:
        feed = self._feeds.pop(task_id, None)
        if feed is not None:
            this_loops_pump().leave(feed)
            self._changed.pop(task_id, None)

    def close(self) -> None:
        if self._prompts_of is not None:
            this_loops_template_news().leave(self._prompts_of, self._tell_prompts)
            self._prompts_of = None
        for task_id in [*self._feeds]:
            self.remove(task_id)

    async def next(self) -> int | None:
        """The task, or `PROMPTS`, that has changed and was not returned since; None: no more."""
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

    def _tell_prompts(self) -> None:
        self.tell(PROMPTS)

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
