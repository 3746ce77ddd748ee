"""What one stream of live events wants, and what it has yet to send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from tasks.engine.event_data import describe
from tasks.engine.outbox import START
from tasks.models import Event, EventPlace

log = structlog.get_logger(__name__)

MOST_UNSENT = 1_000


class Audience(NamedTuple):
    """Whose events somebody wants: one task's, one owner's, or, with neither, everybody's."""

    owner_id: int | None = None
    task_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event as a stream sends it. place: None for what is no event but the state of things,
    and must not be asked on from. data: one line of JSON."""

    place: EventPlace | None
    kind: str
    is_last: bool
    data: str


class Feed:
    """A bounded queue between the pump and one stream. `joined`: what came later comes here."""

    def __init__(self, audience: Audience, cut: Callable[[], object]) -> None:
        """cut: breaks the stream off in the middle of whatever it waits for."""
        self.audience = audience
        self.joined = START
        self._unsent: asyncio.Queue[Told | None] = asyncio.Queue(MOST_UNSENT)
        self._cut = cut

    def take(self, told: Told) -> None:
        """A stream that lags too far behind is cut: it may come back and ask for the rest."""
        self._put(told)

    def offer(self, told: Told) -> None:
        """Take what only a stream that keeps up has a use for."""
        if self._unsent.empty():
            self._put(told)

    def end(self) -> None:
        """No more events: the stream ends when it has sent what is here."""
        self._put(None)

    async def next(self) -> Told | None:
        """The next event, or None at the end."""
        return await self._unsent.get()

    def _put(self, told: Told | None) -> None:
        try:
            self._unsent.put_nowait(told)
        except asyncio.QueueFull:
            log.info("slow stream cut", unsent=MOST_UNSENT)
            self._cut()


def as_told(events: Sequence[Event]) -> list[Told]:
    """The events as streams send them."""
    return [
        Told(
            place=event.place,
            kind=event.type,
            is_last=event.kind.is_terminal,
            data=json.dumps(facts, ensure_ascii=False),
        )
        for event, facts in zip(events, describe(events), strict=True)
    ]
