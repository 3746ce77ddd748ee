"""Today's list prices by genai-prices, an open price list, in the catalogue's terms.

The package is no requirement of the project: who wants newer prices installs or upgrades it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from tasks.providers.prices import Band, OffPeak, Price
from tasks.vocabulary import Provider

try:
    import genai_prices
    from genai_prices.data import providers
    from genai_prices.types import StartDateConstraint, TieredPrices
except ImportError:
    genai_prices = None  # type: ignore[assignment]

_WEEKDAYS = (0, 1, 2, 3, 4)  # it knows hours but no days; those who have hours rest on weekends
_HOURS = range(24)


def is_installed() -> bool:
    return genai_prices is not None


def source() -> str:
    return f"genai-prices {version('genai-prices')}"


def newest_price(today: date) -> date | None:
    """The day of the newest price that it has a day for; None: it has none."""
    days = [day for day in _start_dates() if day <= today]
    return max(days, default=None)


def find_price(provider: Provider, model: str, now: datetime) -> Price | None:
    """What the model costs at the hours of this day; None: not known, or in a way that the
    catalogue has no words for (factors that differ by kind of token)."""
    try:
        hourly = [_bands(provider, model, now.replace(hour=hour)) for hour in _HOURS]
    except LookupError:
        return None
    dearest = max(hourly, key=lambda bands: bands[0].input)
    factors = {_factor(bands, dearest) for bands in hourly if bands != dearest}
    if not factors:
        return Price(bands=dearest)
    factor = factors.pop()
    if factors or factor is None:
        return None
    peaks = tuple(_spans([hour for hour in _HOURS if hourly[hour] == dearest]))
    off_peak = OffPeak(factor=factor, peak_hours_utc=peaks, peak_weekdays=_WEEKDAYS)
    return Price(bands=dearest, off_peak=off_peak)


def _bands(provider: Provider, model: str, at: datetime) -> tuple[Band, ...]:
    """Raises: LookupError for a model that it does not know, or without one of the prices."""
    asked = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=1, output_tokens=1, cache_read_tokens=0),
        model_ref=model,
        provider_id=provider.value,
        genai_request_timestamp=at,
    )
    price = asked.model_price
    kinds = [price.input_mtok, price.cache_read_mtok, price.output_mtok]
    if None in kinds:
        raise LookupError(f"{model} lacks a price")
    floors = sorted({0, *(tier.start for kind in kinds for tier in _tiers(kind))})
    rates = ([_rate(kind, floor) for kind in kinds] for floor in floors)
    return tuple(
        Band(input=i, cached=c, output=o, above_prompt_tokens=floor)
        for floor, (i, c, o) in zip(floors, rates, strict=True)
    )


def _tiers(price: Any) -> list[Any]:
    return list(price.tiers) if isinstance(price, TieredPrices) else []


def _rate(price: Any, floor: int) -> Decimal:
    """The rate for prompts above `floor` tokens."""
    base = price.base if isinstance(price, TieredPrices) else price
    reached = [tier.price for tier in _tiers(price) if tier.start <= floor]
    return Decimal(reached[-1] if reached else base)


def _factor(bands: tuple[Band, ...], dearest: tuple[Band, ...]) -> Decimal | None:
    """The one factor between two price lists; None if there is no such one."""
    if [b.above_prompt_tokens for b in bands] != [b.above_prompt_tokens for b in dearest]:
        return None
    found = {
        getattr(low, kind) / getattr(high, kind)
        for low, high in zip(bands, dearest, strict=True)
        for kind in ("input", "cached", "output")
        if getattr(high, kind)
    }
    return found.pop() if len(found) == 1 else None


def _spans(hours: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of hours as [from, to)."""
    for hour in hours:
        if hour - 1 not in hours:
            end = hour + 1
            while end in hours:
                end += 1
            yield hour, end


def _start_dates() -> Iterator[date]:
    for provider in providers:
        for model in provider.models:
            listed: list[Any] = model.prices if isinstance(model.prices, list) else []
            for one in [*listed, *(model.price_variants or [])]:
                if isinstance(one.constraint, StartDateConstraint):
                    yield one.constraint.start_date
