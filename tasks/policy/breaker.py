"""A circuit breaker as a value: closed, open, half-open with one probe that cannot leak.

    closed ── ≥ 5 calls in 60 s, ≥ 50 % failed, or an error that opens at once ──> open
    open ── 30 s ──> half-open: one probe ── answered ──> closed
                                          └─ failed ──> open
A probe holds its place for a lease only: if its worker dies, the next call becomes the probe.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from tasks.errors import ProviderError

WINDOW_S = 60.0
SLICE_S = 5.0  # the window slides by slices: old calls leave it up to so much late
LEAST_CALLS = 5
FAILURE_SHARE = 0.5
OPEN_S = 30.0


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Force(StrEnum):
    """What an operator wants of a breaker."""

    AUTO = "auto"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Calls that ended in [start, start + SLICE_S)."""

    start: float
    calls: int = 0
    failures: int = 0


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """One provider's breaker. `until`: open, when the probe may go; half-open, when it is lost."""

    state: BreakerState = BreakerState.CLOSED
    reason: str = ""
    until: float = 0.0
    force: Force = Force.AUTO
    window: tuple[Slice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises: KeyError, TypeError or ValueError for data that `to_json` never gave."""
        return cls(
            state=BreakerState(data["state"]),
            reason=str(data["reason"]),
            until=float(data["until"]),
            force=Force(data["force"]),
            window=tuple(Slice(**one) for one in data["window"]),
        )

    def blocked_until(self, now: float) -> float | None:
        """When the next call may go; None: now. Infinity: when an operator says so."""
        if self.force is not Force.AUTO:
            return math.inf if self.force is Force.OPEN else None
        is_blocked = self.state is not BreakerState.CLOSED and now < self.until
        return self.until if is_blocked else None

    def admit(self, now: float, *, probe_lease_s: float) -> tuple[Self, bool] | None:
        """The breaker with one call let through, and whether that call is the probe; None: wait."""
        if self.blocked_until(now) is not None:
            return None
        if self.force is Force.CLOSED or self.state is BreakerState.CLOSED:
            return self, False
        return replace(self, state=BreakerState.HALF_OPEN, until=now + probe_lease_s), True

    def record(self, error: ProviderError | None, *, now: float, is_probe: bool = False) -> Self:
        """The breaker after a call ended; `error` None: it was answered.

        While open or half-open only the probe's word counts: calls that began earlier end late.
        """
        if error is not None and error.opens_breaker:
            return self._opened(error.code, now)
        has_failed = error is not None and error.trips_breaker
        if self.state is not BreakerState.CLOSED:
            if not is_probe:
                return self
            return self._opened(self.reason, now) if has_failed else self._closed()
        counted = replace(self, window=_counted(self.window, has_failed, now))
        calls, failures = counted._totals(now)
        if has_failed and calls >= LEAST_CALLS and failures >= FAILURE_SHARE * calls:
            return counted._opened(f"{failures} of {calls} calls failed", now)
        return counted

    def release_probe(self, now: float) -> Self:
        """The probe was never sent, or nobody knows how it ended: the next call may be one."""
        if self.state is not BreakerState.HALF_OPEN:
            return self
        return replace(self, state=BreakerState.OPEN, until=now)

    def forced(self, force: Force) -> Self:
        """As an operator wants it. AUTO starts afresh, closed."""
        if force is Force.AUTO:
            return replace(self._closed(), force=force)
        return replace(self, force=force)

    def _totals(self, now: float) -> tuple[int, int]:
        recent = [one for one in self.window if one.start > now - WINDOW_S]
        return sum(one.calls for one in recent), sum(one.failures for one in recent)

    def _opened(self, reason: str, now: float) -> Self:
        return replace(self, state=BreakerState.OPEN, reason=reason, until=now + OPEN_S, window=())

    def _closed(self) -> Self:
        return replace(self, state=BreakerState.CLOSED, reason="", until=0.0, window=())


def _counted(window: tuple[Slice, ...], has_failed: bool, now: float) -> tuple[Slice, ...]:
    """The window with one more call in its newest slice, and without what is too old."""
    start = now - now % SLICE_S
    kept = [one for one in window if one.start > now - WINDOW_S]
    newest = next((one for one in kept if one.start == start), Slice(start=start))
    others = [one for one in kept if one.start != start]
    counted = replace(newest, calls=newest.calls + 1, failures=newest.failures + int(has_failed))
    return (*others, counted)
