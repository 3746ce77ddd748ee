"""The throughput chart's geometry: stacked bars, drawn by the template as SVG.

Only shapes are in the SVG, stretched to its box; labels are HTML, so they stay legible at 360 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.stats import StatsRange
from tasks.stats.series import Point

WIDTH = 720
HEIGHT = 160
_GAP = 0.2
KINDS = ("completed", "mock", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One coloured piece of a bar, in the SVG's units."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar and what it says on hover."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """`highest` is the value at the top edge. `labels` stand evenly below, oldest first."""

    bars: tuple[Bar, ...]
    highest: int
    labels: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw_chart(series: Sequence[Point], look_back: StatsRange) -> Chart:
    """Bars for `series`; an empty one gives bars without parts."""
    highest = _round_up(max((point.total for point in series), default=0))
    slot = WIDTH / max(1, len(series))
    bars = tuple(
        Bar(
            title=_title(point, look_back),
            parts=_stack(point, (n + _GAP / 2) * slot, slot * (1 - _GAP), highest),
        )
        for n, point in enumerate(series)
    )
    labels = tuple(_label(series[n].start, look_back) for n in _spread(len(series)))
    return Chart(bars=bars, highest=highest, labels=labels)


def _stack(point: Point, x: float, width: float, highest: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    floor = float(HEIGHT)
    for kind in KINDS:
        count: int = getattr(point, kind)
        if count:
            height = max(1.5, count / highest * HEIGHT)  # one failure among thousands shows too
            floor = max(0.0, floor - height)
            parts.append(
                Part(kind=kind, x=round(x, 1), y=round(floor, 1), width=round(width, 1),
                     height=round(height, 1))
            )  # fmt: skip
    return tuple(parts)


def _title(point: Point, look_back: StatsRange) -> str:
    counts = ", ".join(f"{getattr(point, kind)} {kind}" for kind in KINDS if getattr(point, kind))
    return f"{_label(point.start, look_back)}: {counts or 'nothing'}"


def _label(moment: datetime, look_back: StatsRange) -> str:
    is_short = look_back in (StatsRange.HOUR, StatsRange.DAY)
    return moment.strftime("%H:%M" if is_short else "%d %b")


def _spread(count: int) -> list[int]:
    """The first, the last and two between."""
    return sorted({0, count // 3, 2 * count // 3, count - 1}) if count else []


def _round_up(value: int) -> int:
    """To 1, 2 or 5 times a power of ten: a scale that people read easily."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if value <= step * power:
                return step * power
        power *= 10
