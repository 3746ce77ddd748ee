"""How each provider's lane stands: open, paused, deferred, its breaker and the next probe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.conf import get_conf
from tasks.models import ProviderState
from tasks.policy.breaker import BreakerState, Force
from tasks.providers.keys import fingerprint, masked
from tasks.vocabulary import REAL_PROVIDERS, Provider


@dataclass(frozen=True, kw_only=True)
class LaneFigures:
    """`reason` and `until` tell why no call goes there now and when one may; `until` None while
    blocked: when an operator acts. `next_probe` is set while the breaker waits to try again."""

    provider: str
    is_configured: bool
    is_paused: bool
    breaker: str
    force: str
    breaker_reason: str
    is_blocked: bool
    reason: str
    until: datetime | None
    next_probe: datetime | None


def list_lanes(now: datetime) -> tuple[LaneFigures, ...]:
    """Every provider that is configured, or that something is known of."""
    states = {state.name: state for state in ProviderState.objects.all()}
    conf = get_conf()
    return tuple(
        describe_lane(states.get(name.value) or ProviderState(name=name.value), now)
        for name in REAL_PROVIDERS
        if conf.providers[name].is_configured or name.value in states
    )


def describe_lane(state: ProviderState, now: datetime) -> LaneFigures:
    """The state in figures, as of `now`."""
    breaker, block = state.breaker, state.block(now)
    is_probing = breaker.force is Force.AUTO and breaker.state is not BreakerState.CLOSED
    configured = {name.value for name in get_conf().configured}
    return LaneFigures(
        provider=state.name,
        is_configured=state.name in configured,
        is_paused=state.is_paused,
        breaker=breaker.state.value,
        force=breaker.force.value,
        breaker_reason=breaker.reason,
        is_blocked=block is not None,
        reason=block[1] if block else "",
        until=_moment(block[0]) if block else None,
        next_probe=_moment(breaker.until) if is_probing else None,
    )


def refused_keys(state: ProviderState, now: datetime) -> tuple[tuple[str, str], ...]:
    """Of a provider's keys those that are set aside now: how people know it, and why. For staff."""
    keys, aside = get_conf().providers[Provider(state.name)].api_keys, state.keys_aside(now)
    return tuple(
        (masked(keys, number), aside[fingerprint(key)])
        for number, key in enumerate(keys)
        if fingerprint(key) in aside
    )


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
