"""From events to messages: each event of the outbox becomes one message for each endpoint that
wants it, once, whichever process reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from tasks.engine.event_data import describe
from tasks.engine.outbox import WEBHOOKS, events_after
from tasks.models import Event, EventPlace, OutboxReader, WebhookDelivery, WebhookEndpoint
from tasks.querysets import database_now

KEPT_DAYS = 14
PRUNE_EVERY_S = 600.0
_PRUNED_AT_ONCE = 5_000
_AT_ONCE = 500


def write_messages() -> int:
    """Read on in the outbox. Returns how many events were read: with a full page there is more."""
    endpoints = list(WebhookEndpoint.objects.filter(is_enabled=True))
    if not endpoints or not _is_news():
        return 0
    with transaction.atomic():
        readers = OutboxReader.objects.filter(name=WEBHOOKS)
        if connection.features.has_select_for_update_skip_locked:
            readers = readers.select_for_update(skip_locked=True)
        reader = readers.first()
        if reader is None:
            return 0  # another process reads just now
        events = events_after(reader.place, limit=_AT_ONCE)
        _write(events, endpoints)
        if events:
            _move(events[-1].place)
    return len(events)


def prune_deliveries() -> int:
    """Remove messages that came to their end KEPT_DAYS ago; returns how many."""
    old = WebhookDelivery.objects.filter(finished_at__lt=database_now() - timedelta(days=KEPT_DAYS))
    ids = list(old.order_by("finished_at").values_list("pk", flat=True)[:_PRUNED_AT_ONCE])
    removed, _ = WebhookDelivery.objects.filter(pk__in=ids).delete()
    return removed


def _is_news() -> bool:
    """A look without a lock."""
    reader = OutboxReader.objects.filter(name=WEBHOOKS).first()
    return reader is not None and bool(events_after(reader.place, limit=1))


def _move(place: EventPlace) -> None:
    OutboxReader.objects.filter(name=WEBHOOKS).update(tx=place.tx, event_id=place.id)


def _write(events: Sequence[Event], endpoints: Sequence[WebhookEndpoint]) -> None:
    wanted = [event for event in events if any(endpoint.wants(event) for endpoint in endpoints)]
    now = database_now()
    rows = [
        _message(endpoint, event, facts, now)
        for event, facts in zip(wanted, describe(wanted), strict=True)
        for endpoint in endpoints
        if endpoint.wants(event)
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def _message(
    endpoint: WebhookEndpoint, event: Event, facts: dict[str, object], now: datetime
) -> WebhookDelivery:
    told = dict(facts)
    timestamp = told.pop("at")
    body = {"type": told.pop("type"), "timestamp": timestamp, "data": told}
    return WebhookDelivery(
        endpoint=endpoint,
        event_id=event.pk,
        type=event.type,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        next_try_at=now,
        created_at=now,
    )
