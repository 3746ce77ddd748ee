"""Webhooks on behalf of somebody: told where to send what, looked at, changed, sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers

from tasks.conf import get_conf
from tasks.engine.outbox import WEBHOOKS, read_from_now_on
from tasks.errors import DeliveryNotFound, InvalidInput, InvalidState, WebhookNotFound
from tasks.models import WebhookDelivery, WebhookEndpoint
from tasks.policy.addresses import is_public, literal_address
from tasks.querysets import database_now
from tasks.services.access import as_key
from tasks.services.audit import note
from tasks.services.fields import StrictBoolean, StrictText
from tasks.services.submission import clean, flatten_errors
from tasks.vocabulary import DeliveryState, EventType

MOST_ENDPOINTS = 20
_INSIDE_NAMES = (".localhost", ".local", ".internal")
"""Names that stand for nothing on the public internet; a cloud's metadata is `.internal`."""

DEFAULT_EVENTS = [
    EventType.COMPLETED.value,
    EventType.FAILED.value,
    EventType.CANCELLED.value,
    EventType.BATCH_FINISHED.value,
]


class EndpointSerializer(serializers.Serializer[Any]):
    """Where to send what."""

    url = StrictText(max_length=500, help_text="http or https, on the public internet.")
    events = serializers.ListField(
        child=serializers.ChoiceField([kind.value for kind in EventType]),
        allow_empty=False,
        required=False,
        help_text="Which events; by default all ends of tasks and of batches.",
    )
    description = StrictText(max_length=200, required=False, allow_blank=True)
    enabled = StrictBoolean(required=False, source="is_enabled", help_text="Send at all?")

    def validate_url(self, value: str) -> str:
        _refuse_url(value)
        return value

    def validate_events(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


def visible_webhooks(user: AbstractBaseUser) -> QuerySet[WebhookEndpoint]:
    """The webhooks of `user`; all of them for staff."""
    return WebhookEndpoint.objects.all().visible_to(user)


def get_webhook(user: AbstractBaseUser, webhook_id: object) -> WebhookEndpoint:
    """Raises: WebhookNotFound: there is none, or it is somebody else's."""
    key = as_key(webhook_id, WebhookNotFound)
    endpoint = visible_webhooks(user).filter(pk=key).select_related("owner").first()
    if endpoint is None:
        raise WebhookNotFound(webhook_id)
    return endpoint


@transaction.atomic
def create_webhook(owner: AbstractBaseUser, data: object) -> WebhookEndpoint:
    """A new endpoint of `owner`; its `secret` is to be shown now and never again.

    Raises:
        InvalidInput: a rule is broken, or there are MOST_ENDPOINTS already.
    """
    fields = clean(EndpointSerializer, data)
    if WebhookEndpoint.objects.filter(owner_id=owner.pk).count() >= MOST_ENDPOINTS:
        rule = f"There may be {MOST_ENDPOINTS} webhooks. Delete one first."
        raise InvalidInput({"non_field_errors": [rule]})
    if not WebhookEndpoint.objects.filter(is_enabled=True).exists():
        read_from_now_on(WEBHOOKS)
    values = {"events": DEFAULT_EVENTS, **fields}
    made = WebhookEndpoint.objects.create(owner_id=owner.pk, created_at=database_now(), **values)
    note("webhook.create", f"webhook {made.pk}", user=owner)
    return made


@transaction.atomic
def change_webhook(user: AbstractBaseUser, webhook_id: object, data: object) -> WebhookEndpoint:
    """The endpoint with other fields. Enabled again, it has a new start, and its waiting messages
    go out.

    Raises:
        WebhookNotFound, InvalidInput.
    """
    endpoint = get_webhook(user, webhook_id)
    fields = _validate_changes(data)
    if fields.get("is_enabled") and not endpoint.is_enabled:
        if not WebhookEndpoint.objects.filter(is_enabled=True).exists():
            read_from_now_on(WEBHOOKS)
        fields |= {"disabled_reason": "", "failing_since": None}
    for name, value in fields.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(fields))
    note("webhook.change", f"webhook {endpoint.pk}", user=user, fields=sorted(fields))
    return endpoint


@transaction.atomic
def delete_webhook(user: AbstractBaseUser, webhook_id: object) -> None:
    """Gone, with its messages. Raises: WebhookNotFound."""
    endpoint = get_webhook(user, webhook_id)
    note("webhook.delete", f"webhook {endpoint.pk}", user=user)
    endpoint.delete()


@transaction.atomic
def redeliver(user: AbstractBaseUser, webhook_id: object, delivery_id: object) -> WebhookDelivery:
    """Send a message again, now, under the same id; it has all its tries again.

    Raises:
        WebhookNotFound, DeliveryNotFound, InvalidState: it is still being tried, or the webhook
        is switched off.
    """
    endpoint = get_webhook(user, webhook_id)
    key = as_key(delivery_id, DeliveryNotFound)
    row = endpoint.deliveries.select_for_update().filter(pk=key).first()
    if row is None:
        raise DeliveryNotFound(delivery_id)
    if not endpoint.is_enabled:
        raise InvalidState(f"Webhook {endpoint.pk} is switched off. Enable it first.")
    if row.state == DeliveryState.PENDING:
        raise InvalidState(f"Delivery {row.pk} is still being tried.")
    row.state, row.tries, row.finished_at = DeliveryState.PENDING.value, 0, None
    row.next_try_at = database_now()
    row.save(update_fields=["state", "tries", "next_try_at", "finished_at"])
    note("webhook.redeliver", f"webhook {endpoint.pk}", user=user, delivery=row.pk)
    return row


def _validate_changes(data: object) -> dict[str, Any]:
    if not isinstance(data, Mapping) or not data:
        raise InvalidInput({"non_field_errors": ["Must be an object with what shall change."]})
    known = EndpointSerializer().fields
    if unknown := {str(name)[:100]: ["Is not a field here."] for name in data if name not in known}:
        raise InvalidInput(unknown)
    serializer = EndpointSerializer(data=data, partial=True)
    if not serializer.is_valid():
        raise InvalidInput(flatten_errors(serializer.errors))
    return dict(serializer.validated_data)


def _refuse_url(url: str) -> None:
    """What can be said of an address without asking for it; the sender judges where it leads."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise serializers.ValidationError("Is no address.") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise serializers.ValidationError("Must begin with https:// or http:// and name a host.")
    if "@" in parts.netloc or parts.fragment:
        raise serializers.ValidationError("May hold no password and no fragment.")
    if not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
        raise serializers.ValidationError(
            "May hold printable ASCII only; write other names as xn--… and escape the rest."
        )
    address = literal_address(host)
    is_inside = (
        f".{host.lower()}".endswith(_INSIDE_NAMES) if address is None else not is_public(address)
    )
    if is_inside and host not in get_conf().webhook_allowed_hosts:
        raise serializers.ValidationError(
            "Must be on the public internet, or its host named in TASKRUNNER_WEBHOOK_ALLOWED_HOSTS."
        )
