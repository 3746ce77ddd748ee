"""Messages that are due, taken under a lease, and what became of each try."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, QuerySet

from tasks.models import WebhookDelivery, WebhookEndpoint
from tasks.policy.redelivery import decide_redelivery
from tasks.querysets import database_now
from tasks.vocabulary import DeliveryState
from tasks.webhooks.sender import Sent

log = structlog.get_logger(__name__)

LEASE_S = 60.0
AT_ONCE_EACH = 4
_DISABLED_AFTER = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message that this process alone sends until its lease ends. try_number: from 1 on."""

    delivery_id: int
    endpoint_id: int
    url: str
    key: bytes
    message_id: str
    body: bytes
    try_number: int


def take_letters(free: int, under_way: Counter[int]) -> list[Letter]:
    """At most `free` due messages, at most AT_ONCE_EACH under way for one endpoint, so that a slow
    receiver holds nobody up but itself. under_way: how many each endpoint has already."""
    endpoints = _due().order_by().values_list("endpoint_id", flat=True).distinct()
    waiting = [pk for pk in endpoints if under_way[pk] < AT_ONCE_EACH]
    random.shuffle(waiting)
    letters: list[Letter] = []
    for endpoint_id in waiting:
        if free <= len(letters):
            break
        count = min(AT_ONCE_EACH - under_way[endpoint_id], free - len(letters))
        letters += _take(endpoint_id, count)
    return letters


@transaction.atomic
def _take(endpoint_id: int, count: int) -> list[Letter]:
    rows = _due().filter(endpoint_id=endpoint_id).order_by("next_try_at")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    taken = list(rows.select_related("endpoint")[:count])
    WebhookDelivery.objects.filter(pk__in=[row.pk for row in taken]).update(
        tries=F("tries") + 1, next_try_at=database_now() + timedelta(seconds=LEASE_S)
    )
    return [
        Letter(
            delivery_id=row.pk,
            endpoint_id=row.endpoint_id,
            url=row.endpoint.url,
            key=row.endpoint.key,
            message_id=row.message_id,
            body=row.body.encode(),
            try_number=row.tries + 1,
        )
        for row in taken
    ]


def _due() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(
        state=DeliveryState.PENDING, next_try_at__lte=database_now(), endpoint__is_enabled=True
    )


@transaction.atomic
def settle_letter(letter: Letter, sent: Sent) -> None:
    """Write down how the try went. Whoever took the message after our lease ended is not
    disturbed: the number of the try tells."""
    rows = WebhookDelivery.objects.filter(
        pk=letter.delivery_id, state=DeliveryState.PENDING, tries=letter.try_number
    )
    row = rows.select_for_update().first()
    if row is None:
        return
    now = database_now()
    row.log = [
        *row.log,
        {"number": letter.try_number, "at": now.isoformat(), "http_status": sent.status,
         "error": sent.error, "duration_ms": sent.duration_ms},
    ]  # fmt: skip
    wait_s = None if sent.is_accepted else decide_redelivery(row.tries, random.random)
    row.next_try_at = None if wait_s is None else now + timedelta(seconds=wait_s)
    if wait_s is None:
        row.finished_at = now
        row.state = DeliveryState.DELIVERED if sent.is_accepted else DeliveryState.FAILED
    row.save(update_fields=["log", "next_try_at", "finished_at", "state"])
    _judge_endpoint(letter.endpoint_id, sent, now)


def _judge_endpoint(endpoint_id: int, sent: Sent, now: Any) -> None:
    """An endpoint that took nothing for days, or wants nothing more, is switched off."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint_id, is_enabled=True)
    if sent.is_accepted:
        rows.exclude(failing_since=None).update(failing_since=None)
        return
    rows.filter(failing_since=None).update(failing_since=now)
    if sent.is_unwanted:
        reason, lost = "It answered 410: it wants no more messages.", rows
    else:
        reason = f"It took nothing for {_DISABLED_AFTER.days} days."
        lost = rows.filter(failing_since__lt=now - _DISABLED_AFTER)
    if lost.update(is_enabled=False, disabled_reason=reason):
        log.warning("webhook switched off", webhook=endpoint_id, reason=reason)
