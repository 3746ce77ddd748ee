"""The news of published templates: whose list of prompts has changed.

Nothing is written for it. While somebody wants to know, one short query a second, for all who do
on this event loop, compares what is published with what was.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from weakref import WeakKeyDictionary

from mcp_bridge.database import on_thread
from tasks.errors import DatabaseUnavailable
from tasks.models import PromptTemplate

LOOK_EVERY_S = 1.0

Published = frozenset[tuple[int, int]]
"""Templates, each with the number of its latest version."""


class TemplateNews:
    """Belongs to one event loop. Looks only while somebody listens."""

    def __init__(self) -> None:
        self._listeners: dict[int, set[Callable[[], None]]] = defaultdict(set)
        self._known: dict[int, Published] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_looking(self) -> bool:
        return self._task is not None

    async def join(self, owner_id: int, tell: Callable[[], None]) -> None:
        """From now on `tell` is called when this owner's list has changed.

        Raises:
            DatabaseUnavailable.
        """
        if owner_id not in self._known:
            found = await on_thread(lambda: published_by([owner_id]))
            self._known.setdefault(owner_id, found[owner_id])
        self._listeners[owner_id].add(tell)
        if self._task is None:
            # Not the first listener's context, which ends with its request.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def leave(self, owner_id: int, tell: Callable[[], None]) -> None:
        self._listeners[owner_id].discard(tell)
        if not self._listeners[owner_id]:
            del self._listeners[owner_id]
            self._known.pop(owner_id, None)

    async def _run(self) -> None:
        try:
            while self._listeners:
                await asyncio.sleep(LOOK_EVERY_S)
                await self._look()
        finally:
            self._task = None

    async def _look(self) -> None:
        owners = [*self._listeners]
        try:
            found = await on_thread(lambda: published_by(owners))
        except DatabaseUnavailable:
            return  # logged where it was raised; what changes meanwhile is told afterwards
        for owner_id, published in found.items():
            if owner_id in self._listeners and self._known.get(owner_id) != published:
                self._known[owner_id] = published
                for tell in self._listeners[owner_id]:
                    tell()


def published_by(owner_ids: Iterable[int]) -> Mapping[int, Published]:
    """Each owner's published templates; nobody is left out."""
    found: dict[int, set[tuple[int, int]]] = {owner_id: set() for owner_id in owner_ids}
    rows = PromptTemplate.objects.filter(owner_id__in=found, published=True, archived_at=None)
    for owner_id, template_id, latest in rows.values_list("owner_id", "pk", "latest"):
        found[owner_id].add((template_id, latest))
    return {owner_id: frozenset(templates) for owner_id, templates in found.items()}


_news: WeakKeyDictionary[asyncio.AbstractEventLoop, TemplateNews] = WeakKeyDictionary()


def this_loops_template_news() -> TemplateNews:
    """The one of the running event loop."""
    return _news.setdefault(asyncio.get_running_loop(), TemplateNews())
