"""How webhooks look from outside. The secret shows only in the answer that made it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tasks.api.representation import TextOrNull
from tasks.vocabulary import DeliveryState, EventType

EVENT_TYPES = [(kind.value, kind.value) for kind in EventType]
DELIVERY_STATES = [(state.value, state.value) for state in DeliveryState]


class WebhookSerializer(serializers.Serializer[Any]):
    """Where is sent what, and whether it arrives."""

    id = serializers.IntegerField(read_only=True)
    url = serializers.CharField(read_only=True)
    events = serializers.ListField(child=serializers.ChoiceField(EVENT_TYPES), read_only=True)
    description = serializers.CharField(read_only=True)
    enabled = serializers.BooleanField(source="is_enabled", read_only=True)
    disabled_reason = TextOrNull(help_text="Why it was switched off by itself.")
    failing_since = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since then no message was taken."
    )
    owner = serializers.CharField(source="owner.username", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class NewWebhookSerializer(WebhookSerializer):
    """The same with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="To verify messages with; keep it.")


class TrySerializer(serializers.Serializer[Any]):
    """One try of a delivery."""

    number = serializers.IntegerField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    http_status = serializers.IntegerField(read_only=True, allow_null=True)
    error = serializers.CharField(read_only=True, allow_null=True)
    duration_ms = serializers.IntegerField(read_only=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """One message and its tries."""

    id = serializers.IntegerField(read_only=True)
    message_id = serializers.CharField(read_only=True, help_text="What webhook-id says.")
    type = serializers.ChoiceField(EVENT_TYPES, read_only=True)
    status = serializers.ChoiceField(DELIVERY_STATES, source="state", read_only=True)
    tries = TrySerializer(many=True, source="log", read_only=True)
    next_try_at = serializers.DateTimeField(read_only=True, allow_null=True)
    body = serializers.CharField(read_only=True, help_text="As it is sent, to the byte.")
    created_at = serializers.DateTimeField(read_only=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
