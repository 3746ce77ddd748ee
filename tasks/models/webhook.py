"""Webhooks: who wants to be told of what, and each message on its way there."""

from __future__ import annotations

import base64
import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import salted_hmac

from tasks.models.event import Event, EventPlace
from tasks.querysets import OwnedQuerySet
from tasks.vocabulary import DeliveryState, choices

_SECRET_PREFIX = "whsec_"  # noqa: S105 - as Standard Webhooks spells it


def _new_nonce() -> str:
    return secrets.token_hex(16)


class WebhookEndpoint(models.Model):
    """One address of one user. `failing_since`: when the row of failures began that lasts.

    The secret stands nowhere: it is made of SECRET_KEY and the `nonce`, so no copy of the database
    gives it away, and another SECRET_KEY means other secrets.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list)
    description = models.CharField(max_length=200, blank=True, default="")
    nonce = models.CharField(max_length=32, default=_new_nonce, editable=False)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    failing_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "webhook"

    def __str__(self) -> str:
        return f"Webhook {self.pk}"

    @property
    def key(self) -> bytes:
        """What its messages are signed with."""
        return salted_hmac("tasks.webhooks", self.nonce, algorithm="sha256").digest()

    @property
    def secret(self) -> str:
        """The same as its owner is shown it, once."""
        return _SECRET_PREFIX + base64.b64encode(self.key).decode()

    def wants(self, event: Event) -> bool:
        """Its owner's, of a type that was asked for, and not from before it was there.

        SQLite's clock counts milliseconds.
        """
        born_at = self.created_at.replace(microsecond=self.created_at.microsecond // 1000 * 1000)
        return event.owner_id == self.owner_id and event.type in self.events and event.at >= born_at


class WebhookDelivery(models.Model):
    """One event for one endpoint. `body` is the same at each try, to the byte.

    While a try is under way, `next_try_at` is the moment from which it counts as lost.
    """

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event_id = models.BigIntegerField()
    type = models.CharField(max_length=30)
    body = models.TextField()
    state = models.CharField(
        max_length=10, choices=choices(DeliveryState), default=DeliveryState.PENDING.value
    )
    tries = models.PositiveIntegerField(default=0)
    log = models.JSONField(default=list)
    next_try_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "id"], name="delivery_endpoint"),
            models.Index("state", F("id").desc(), name="delivery_state"),
            models.Index("endpoint", "state", F("id").desc(), name="delivery_endpoint_state"),
            models.Index(
                fields=["endpoint", "next_try_at"],
                name="delivery_due",
                condition=Q(state="pending"),
            ),
            models.Index(fields=["finished_at"], name="delivery_finished"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} for webhook {self.endpoint_id}"

    @property
    def message_id(self) -> str:
        """The same at each try, so that a receiver can tell that it knows the message."""
        return f"evt_{self.event_id}"


class OutboxReader(models.Model):
    """How far somebody has read the events."""

    name = models.CharField(max_length=40, primary_key=True)
    tx = models.BigIntegerField()
    event_id = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> EventPlace:
        return EventPlace(self.tx, self.event_id)
