"""Who is called now for a task, or until when it waits and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal

from tasks.vocabulary import AutoRouting, MockMode, Provider

LONGEST_PARK_S = 60.0
"""A lane that only an operator reopens is looked at again after so long."""

LONGEST_HOLD_S = 600.0
"""A task that waits for a limit looks for itself after so long, should nobody let it in."""

_UNHEALTHY_SHARE = 0.1  # fewer failures than this are noise, not a reason to move


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What is known of one configured provider at this moment.

    blocked_until: None is open; infinity, until an operator says so. `reason`: why it is blocked.
    model: what this task would run there, None if it cannot run there at all. limit: why a limit of
    our own lets no call of this task through just now; empty: it may go. is_out: blocked for good
    or for long, rather than for a moment's patience.
    """

    model: str | None
    blocked_until: float | None = None
    reason: str = ""
    limit: str = ""
    is_out: bool = False
    failure_share: float | None = None
    p50_s: float | None = None
    estimated_usd: Decimal | None = None

    def is_shut(self, now: float) -> bool:
        return self.blocked_until is not None and self.blocked_until > now


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the task asked for. `failed_on`: providers to try last, for they failed this task."""

    provider: Provider
    may_failover: bool = True
    failed_on: AbstractSet[Provider] = field(default_factory=frozenset)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How this installation routes. `failover` is an order; empty turns failover off."""

    failover: Sequence[Provider] = ()
    auto: AutoRouting = AutoRouting.HEALTHY
    mock: MockMode = MockMode.AUTO
    mock_model: str = "mock-1"


@dataclass(frozen=True, kw_only=True)
class Call:
    """Ask this provider for this model now. `is_fallback`: not the provider that was asked for."""

    provider: Provider
    model: str
    is_fallback: bool


@dataclass(frozen=True, kw_only=True)
class Defer:
    """Nobody can be asked before `until`; `reason` is for people. `limited`: who may be asked as
    soon as a limit of our own has room for this task, be it before `until`."""

    until: float
    reason: str
    limited: tuple[Provider, ...] = ()


def route(wish: Wish, lanes: Mapping[Provider, Lane], rules: Rules, *, now: float) -> Call | Defer:
    """The first open lane in the order of preference. `lanes` holds the configured providers.

    A limit of our own is no fault of the provider asked for: the task waits for it. Only who
    stands in, or may be anybody (`auto`), is passed over for the next.
    """
    if wish.provider is Provider.MOCK or _is_mock_standing_in(lanes, rules):
        return Call(provider=Provider.MOCK, model=rules.mock_model, is_fallback=False)
    candidates = [p for p in _preference(wish, lanes, rules) if lanes[p].model is not None]
    for provider in candidates:
        lane = lanes[provider]
        if lane.model is None or lane.is_shut(now):
            continue
        if not lane.limit:
            is_fallback = wish.provider not in (provider, Provider.AUTO)
            return Call(provider=provider, model=lane.model, is_fallback=is_fallback)
        if provider is wish.provider:
            return _await_limits([provider], lanes, until=now + LONGEST_HOLD_S)
    limited = [p for p in candidates if not lanes[p].is_shut(now)]
    if limited:
        return _await_limits(limited, lanes, until=_earliest(candidates, lanes, now))
    if rules.mock is MockMode.FALLBACK and all(lane.is_out for lane in lanes.values()):
        return Call(provider=Provider.MOCK, model=rules.mock_model, is_fallback=True)
    return _defer(wish, {p: lanes[p] for p in candidates}, now)


def _is_mock_standing_in(lanes: Mapping[Provider, Lane], rules: Rules) -> bool:
    return rules.mock is MockMode.ALWAYS or (rules.mock is MockMode.AUTO and not lanes)


def _preference(wish: Wish, lanes: Mapping[Provider, Lane], rules: Rules) -> list[Provider]:
    """Who may be asked, best first; whoever failed this task comes after all others."""
    if wish.provider is Provider.AUTO:
        usual = [p for p in dict.fromkeys([*rules.failover, *lanes]) if p in lanes]
        order = sorted(usual, key=lambda p: _merit(lanes[p], rules.auto))
    else:
        others = rules.failover if wish.may_failover else ()
        order = [p for p in dict.fromkeys([wish.provider, *others]) if p in lanes]
    return sorted(order, key=lambda p: p in wish.failed_on)


def _merit(lane: Lane, auto: AutoRouting) -> tuple[float, float]:
    """Lower is better. Unpriced is dearest; unmeasured is fastest, for so it gets measured."""
    share = lane.failure_share or 0.0
    health = share if share >= _UNHEALTHY_SHARE else 0.0
    if auto is AutoRouting.FASTEST:
        return lane.p50_s or 0.0, health
    if auto is AutoRouting.CHEAPEST:
        return (math.inf if lane.estimated_usd is None else float(lane.estimated_usd)), health
    return health, 0.0


def _await_limits(
    limited: Sequence[Provider], lanes: Mapping[Provider, Lane], until: float
) -> Defer:
    reasons = "; ".join(f"{p}: {lanes[p].limit}" for p in limited)
    return Defer(until=until, reason=reasons, limited=tuple(limited))


def _earliest(candidates: Sequence[Provider], lanes: Mapping[Provider, Lane], now: float) -> float:
    """The first reopening of a lane that is shut, if one comes before a held task looks again."""
    shut = [lanes[p].blocked_until or now for p in candidates if lanes[p].is_shut(now)]
    return min([*shut, now + LONGEST_HOLD_S])


def _defer(wish: Wish, lanes: Mapping[Provider, Lane], now: float) -> Defer:
    """Park until the earliest reopening, and say of each lane why it is shut."""
    if not lanes:
        return Defer(until=now + LONGEST_PARK_S, reason=f"{wish.provider} is not configured")
    reopenings = (lane.blocked_until or now for lane in lanes.values())
    until = min(reopenings)
    if math.isinf(until):
        until = now + LONGEST_PARK_S
    reasons = "; ".join(f"{p}: {lane.reason or 'blocked'}" for p, lane in lanes.items())
    return Defer(until=until, reason=reasons)
