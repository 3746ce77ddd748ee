"""What a model costs, as a value and as TOML: bands by prompt size, and hours that are cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Band:
    """USD per 1M tokens for a call whose whole prompt is above so many tokens."""

    input: Decimal
    cached: Decimal
    output: Decimal
    above_prompt_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class OffPeak:
    """Outside of the peak hours [from, to) of peak weekdays (Monday is 0), times `factor`."""

    factor: Decimal
    peak_hours_utc: tuple[tuple[int, int], ...]
    peak_weekdays: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Price:
    """A model's list price: bands in rising order of prompt size, the first from 0."""

    bands: tuple[Band, ...]
    off_peak: OffPeak | None = None

    def to_toml(self) -> str:
        """The lines that `price_of` reads back."""
        bands = ",\n".join(f"    {_inline(_band(band))}" for band in self.bands)
        lines = f"bands = [\n{bands},\n]\n"
        return lines + (f"off_peak = {_inline(vars(self.off_peak))}\n" if self.off_peak else "")


def price_of(table: dict[str, Any]) -> Price | None:
    """The price in a model's table; None: it has none. Raises: TypeError, KeyError or ValueError
    if it is malformed."""
    if not table.get("bands"):
        return None
    steps = tuple(Band(**band) for band in table["bands"])
    floors = [band.above_prompt_tokens for band in steps]
    if floors[0] != 0 or floors != sorted(set(floors)):
        raise ValueError("price bands must begin at 0 and rise")
    off_peak = table.get("off_peak")
    return Price(bands=steps, off_peak=_off_peak(off_peak) if off_peak else None)


def _off_peak(table: dict[str, Any]) -> OffPeak:
    return OffPeak(
        factor=table["factor"],
        peak_hours_utc=tuple((start, end) for start, end in table["peak_hours_utc"]),
        peak_weekdays=tuple(table["peak_weekdays"]),
    )


def _band(band: Band) -> dict[str, Any]:
    fields = dict(vars(band))
    floor = fields.pop("above_prompt_tokens")
    return {"above_prompt_tokens": floor, **fields} if floor else fields


def _inline(fields: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {_value(value)}" for name, value in fields.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, Decimal):
        text = f"{value.normalize():f}"
        return text if "." in text else f"{text}.0"  # a float in TOML, so that it reads as Decimal
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return str(value)
