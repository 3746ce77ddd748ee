"""What a call cost, exactly and in Decimal; what is not known is None, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

PER_TOKENS = Decimal(1_000_000)
_STORED = Decimal("1E-10")  # the database's last digit: a hundredth of the cheapest cached token
_GUESSED_COMPLETION_TOKENS = 4096


class PriceBand(Protocol):
    """USD per 1M tokens for prompts above so many tokens."""

    @property
    def above_prompt_tokens(self) -> int: ...
    @property
    def input(self) -> Decimal: ...
    @property
    def cached(self) -> Decimal: ...
    @property
    def output(self) -> Decimal: ...


class OffPeakRule(Protocol):
    """Times `factor` outside of the peak hours [from, to) UTC of peak weekdays, Monday 0."""

    @property
    def factor(self) -> Decimal: ...
    @property
    def peak_hours_utc(self) -> Sequence[tuple[int, int]]: ...
    @property
    def peak_weekdays(self) -> Sequence[int]: ...


class PriceList(Protocol):
    """A model's list price: bands in rising order, the first from 0. The catalogue's `Price`."""

    @property
    def bands(self) -> Sequence[PriceBand]: ...
    @property
    def off_peak(self) -> OffPeakRule | None: ...


@dataclass(frozen=True, kw_only=True)
class Rates:
    """USD per 1M tokens that held for one call: worth storing beside its cost."""

    input: Decimal
    cached: Decimal
    output: Decimal


@dataclass(frozen=True, kw_only=True)
class Cost:
    """USD for one call, and the rates that it was reckoned by."""

    usd: Decimal
    rates: Rates


def price_call(
    price: PriceList | None,
    *,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    cached_tokens: int | None,
    at: datetime,
) -> Cost | None:
    """The cost of a call that was sent at `at`; None: unpriced, for a price or a count is missing.

    `prompt_tokens` is the whole prompt, `cached_tokens` the part of it read from the cache; an
    unknown part counts as none, which never prices too low.
    """
    if price is None or prompt_tokens is None or completion_tokens is None:
        return None
    rates = rates_at(price, prompt_tokens=prompt_tokens, at=at)
    cached = min(cached_tokens or 0, prompt_tokens)
    millionths = (
        rates.input * (prompt_tokens - cached)
        + rates.cached * cached
        + rates.output * completion_tokens
    )
    return Cost(usd=(millionths / PER_TOKENS).quantize(_STORED, ROUND_HALF_UP), rates=rates)


def estimate_usd(
    price: PriceList | None, *, prompt: str, max_tokens: int | None, at: datetime
) -> Decimal | None:
    """What a call may cost at most, to reserve before it is sent; None: unpriced.

    A token is at least a byte of text; without `max_tokens` the answer's length is a guess.
    prompt: all text that is sent, the system's too.
    """
    cost = price_call(
        price,
        prompt_tokens=len(prompt.encode(errors="replace")),
        completion_tokens=max_tokens or _GUESSED_COMPLETION_TOKENS,
        cached_tokens=0,
        at=at,
    )
    return cost.usd if cost else None


def rates_at(price: PriceList, *, prompt_tokens: int, at: datetime) -> Rates:
    """The rates for a prompt of this size at this moment (aware; any zone)."""
    band, *higher = price.bands
    for one in higher:
        if prompt_tokens > one.above_prompt_tokens:
            band = one
    factor = _factor(price.off_peak, at)
    return Rates(
        input=band.input * factor, cached=band.cached * factor, output=band.output * factor
    )


def _factor(off_peak: OffPeakRule | None, at: datetime) -> Decimal:
    if off_peak is None:
        return Decimal(1)
    utc = at.astimezone(UTC)
    is_peak_day = utc.weekday() in off_peak.peak_weekdays
    is_peak = is_peak_day and any(a <= utc.hour < b for a, b in off_peak.peak_hours_utc)
    return Decimal(1) if is_peak else off_peak.factor
