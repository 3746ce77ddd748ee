"""The outbox: events are written with the change they tell of, and read in an order that no late
commit can break. Live streams and webhooks live on it; the engine calls none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from tasks.models import Event, EventPlace, OutboxReader, Task
from tasks.querysets import database_now
from tasks.row_writes import insert_rows
from tasks.vocabulary import EventType

WEBHOOKS = "webhooks"
"""The reader that makes webhook messages of events."""

KEPT_HOURS = 24
PRUNE_EVERY_S = 10.0
_PRUNED_AT_ONCE = 5_000
START = EventPlace(0, 0)


class _OldestOpenTransaction(models.Func):
    """The lowest transaction number that may still commit."""

    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "pg_snapshot_xmin(pg_current_snapshot())::text::bigint", ()


def record(events: Iterable[tuple[EventType, int, int]]) -> None:
    """Write events of tasks, as (type, task id, owner id), in the caller's transaction; their
    moment and their place are the database's. One statement, however many."""
    insert_rows(
        Event, ("type", "task_id", "owner_id"), [(kind.value, *rest) for kind, *rest in events]
    )


def record_batch(kind: EventType, batch_id: int, owner_id: int) -> None:
    """The same for an event of a batch."""
    insert_rows(Event, ("type", "batch_id", "owner_id"), [(kind.value, batch_id, owner_id)])


def record_submit_of(batch_id: int) -> None:
    """The SUBMITTED events of all tasks of a new batch, which the database itself writes."""
    events, tasks = Event._meta.db_table, Task._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {events} (type, task_id, owner_id) "  # noqa: S608 - our own names
            f"SELECT %s, id, owner_id FROM {tasks} WHERE batch_id = %s ORDER BY id",
            [EventType.SUBMITTED.value, batch_id],
        )


def events_after(
    place: EventPlace,
    *,
    owner_id: int | None = None,
    task_id: int | None = None,
    limit: int = 500,
) -> list[Event]:
    """At most `limit` events beyond `place`, in their order; of one owner, of one task, or, with
    neither given, everybody's.

    Whoever reads on from the last one's place misses nothing and reads nothing twice: events of
    a transaction that is still open, and those numbered after it, are not shown yet.
    """
    rows = _settled()
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    if task_id is not None:
        rows = rows.filter(task_id=task_id)
    if connection.vendor != "postgresql":
        return list(rows.filter(pk__gt=place.id).order_by("pk")[:limit])
    beyond = TupleGreaterThan(Tuple(F("tx"), F("id")), tuple(place))
    return list(rows.filter(beyond).order_by("tx", "id")[:limit])


def latest_place() -> EventPlace:
    """The place of the newest event that can be read: from here on, all is new."""
    order = ("-tx", "-id") if connection.vendor == "postgresql" else ("-id",)
    newest = _settled().order_by(*order).values_list("tx", "id").first()
    return START if newest is None else EventPlace(*newest)


def read_from_now_on(reader: str) -> None:
    """What happened until now is no news for this reader."""
    place = latest_place()
    OutboxReader.objects.update_or_create(
        name=reader, defaults={"tx": place.tx, "event_id": place.id}
    )


def prune_events() -> int:
    """Remove some of the events that are older than KEPT_HOURS; returns how many."""
    oldest = Event.objects.order_by("id").values_list("id", "at")[:_PRUNED_AT_ONCE]
    limit = database_now() - timedelta(hours=KEPT_HOURS)
    if not any(at < limit for _, at in oldest[:1]):
        return 0
    ids = [pk for pk, at in oldest if at < limit]
    removed, _ = Event.objects.filter(pk__in=ids).delete()
    return removed


def _settled() -> models.QuerySet[Event]:
    """The events before which none can appear any more."""
    if connection.vendor != "postgresql":
        return Event.objects.all()  # one writer at a time
    return Event.objects.filter(tx__gt=0, tx__lt=_OldestOpenTransaction())
