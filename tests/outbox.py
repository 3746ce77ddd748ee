"""Reading the outbox on a database server that other tests use as well."""

from __future__ import annotations

from tasks.engine.outbox import START, events_after
from tasks.models import Event
from tests.deployment import wait_until

_MANY = 100_000


def settled_events(owner_id: int | None = None) -> list[Event]:
    """All events, once no open transaction on the whole server stands before one of them."""

    def is_all_there() -> bool:
        return len(events_after(START, limit=_MANY)) == Event.objects.count()

    wait_until(is_all_there, 60, "older transactions on this server have ended")
    return events_after(START, owner_id=owner_id, limit=_MANY)
