"""After a failed call: again, and when, or never; and how long the provider is left alone.

Full jitter as in the AWS architecture blog's "Exponential Backoff And Jitter".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tasks.errors import ProviderError

_MOST_DOUBLINGS = 60  # beyond any cap, and still a number


@dataclass(frozen=True, kw_only=True)
class RetryIn:
    """Try the task again after `delay_s`; the failed call counts only if `spends_attempt`.

    The same provider is asked no sooner than `lane_wait_s` says; another one may be.
    """

    delay_s: float
    spends_attempt: bool


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """The task has failed; `reason` is for people."""

    reason: str


def decide_retry(
    error: ProviderError,
    *,
    attempts: int,
    max_attempts: int,
    base_s: float,
    cap_s: float,
    random: Callable[[], float],
    has_alternative: bool = True,
) -> RetryIn | GiveUp:
    """Another try or none.

    attempts: calls that the task has spent, this one included. random: uniform over [0, 1).
    has_alternative: another provider may still serve this task, or this one may once its breaker
    closes; without one, an error that only another provider can mend is final.
    """
    if error.spends_attempt and attempts >= max_attempts:
        return GiveUp(reason=f"{error.code} on the last of {max_attempts} attempts")
    if error.is_retryable:
        delay_s = _delay_s(error, attempts, base_s, cap_s, random)
        return RetryIn(delay_s=delay_s, spends_attempt=error.spends_attempt)
    if error.can_failover and has_alternative:
        return RetryIn(delay_s=0.0, spends_attempt=error.spends_attempt)
    return GiveUp(reason=f"{error.code} is final")


def lane_wait_s(error: ProviderError, *, base_s: float) -> float | None:
    """How long everybody leaves this provider alone; None: nobody need.

    A wait that it asks for is its own, not this call's (RFC 9110, section 10.2.3), so no single
    task sits it out. Calls that spend no attempt never run out, so they need a wait in any case.
    """
    if error.opens_breaker or not error.can_failover:
        return None
    return error.retry_after_s or (None if error.spends_attempt else base_s)


def _delay_s(
    error: ProviderError,
    attempts: int,
    base_s: float,
    cap_s: float,
    random: Callable[[], float],
) -> float:
    """Full jitter; never sooner than the provider asked, if that was this task's to heed alone."""
    if not error.spends_attempt:
        return 0.0
    doublings = min(max(attempts - 1, 0), _MOST_DOUBLINGS)
    jitter_s = random() * min(cap_s, base_s * 2.0**doublings)
    is_all_to_wait = lane_wait_s(error, base_s=base_s) is not None
    return jitter_s if is_all_to_wait else max(jitter_s, error.retry_after_s or 0.0)
