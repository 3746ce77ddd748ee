"""How a provider is doing, as all workers know it: breaker, pause, deferral."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from tasks.engine.merits import recent_merits
from tasks.models import ProviderState
from tasks.policy.breaker import BreakerState, Force
from tasks.vocabulary import Provider, choices

FORCES = choices(Force)


class BreakerSerializer(serializers.Serializer[Any]):
    """The circuit breaker. Open: no call goes there, but for one probe from `until` on."""

    state = serializers.ChoiceField([word.value for word in BreakerState])
    force = serializers.ChoiceField(FORCES, help_text="What an operator wants; `auto`: nothing.")
    reason = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)


class ProviderStateSerializer(serializers.Serializer[Any]):
    """Whether calls go there just now, and why not."""

    paused = serializers.BooleanField()
    blocked = serializers.BooleanField(help_text="For whatever reason, no call goes there now.")
    blocked_reason = serializers.CharField(allow_null=True)
    blocked_until = serializers.DateTimeField(
        allow_null=True, help_text="Null while blocked: until an operator acts."
    )
    breaker = BreakerSerializer()
    failed_percent = serializers.FloatField(
        allow_null=True, help_text="Of the calls of the last minute; null: there were none."
    )
    median_seconds = serializers.FloatField(
        allow_null=True, help_text="Of the answers of the last 15 minutes; null: there were none."
    )


def render_state(provider: Provider, row: ProviderState | None, now: datetime) -> dict[str, Any]:
    """The state as JSON. row None: nothing was ever said of the provider, so all is well."""
    state = row or ProviderState()
    breaker, block = state.breaker, state.block(now)
    recent = recent_merits(provider, now)
    share, p50_s = recent.failure_share, recent.p50_s
    is_watching = breaker.state is not BreakerState.CLOSED
    return {
        "paused": state.is_paused,
        "blocked": block is not None,
        "blocked_reason": block[1] if block else None,
        "blocked_until": _moment(block[0]) if block else None,
        "breaker": {
            "state": breaker.state.value,
            "force": breaker.force.value,
            "reason": breaker.reason or None,
            "until": _moment(breaker.until) if is_watching else None,
        },
        "failed_percent": None if share is None else round(100 * share, 1),
        "median_seconds": None if p50_s is None else round(p50_s, 3),
    }


def _moment(seconds: float) -> str | None:
    if not math.isfinite(seconds):
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
