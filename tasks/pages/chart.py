"""The charts' geometry: stacked bars, drawn by the template as SVG.

Only shapes are in the SVG, stretched to its box; labels are HTML, so they stay legible at 360 px.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.stats import StatsRange
from tasks.stats.samples import QueuePoint
from tasks.stats.series import Point
from tasks.stats.wording import duration

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
    """`top` is the value at the top edge. `labels` stand evenly below, oldest first."""

    bars: tuple[Bar, ...]
    top: str
    labels: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw_chart(series: Sequence[Point], look_back: StatsRange) -> Chart:
    """Bars of what ended; an empty bar has no parts."""
    highest = _round_up(max((point.total for point in series), default=0))
    stacks = [{kind: getattr(point, kind) for kind in KINDS} for point in series]
    titles = [_title(point, look_back) for point in series]
    return _draw(stacks, titles, _labels(series, look_back), highest, f"{highest:,}")


def draw_depth(points: Sequence[QueuePoint], look_back: StatsRange) -> Chart:
    """Bars of how many tasks were due at once, at the worst."""
    highest = _round_up(max((point.depth or 0 for point in points), default=0))
    titles = [
        f"{_label(point.start, look_back)}: "
        + ("not looked at" if point.depth is None else f"{point.depth:,} due")
        for point in points
    ]
    stacks = [{"depth": point.depth or 0} for point in points]
    return _draw(stacks, titles, _labels(points, look_back), highest, f"{highest:,}")


def draw_ages(points: Sequence[QueuePoint], look_back: StatsRange) -> Chart:
    """Bars of how old the task longest due was, at the worst."""
    highest = _round_up(math.ceil(max((point.oldest_s or 0 for point in points), default=0)))
    titles = [
        f"{_label(point.start, look_back)}: "
        + ("nothing was due" if point.oldest_s is None else duration(point.oldest_s))
        for point in points
    ]
    stacks = [{"age": point.oldest_s or 0} for point in points]
    return _draw(stacks, titles, _labels(points, look_back), highest, duration(highest))


def _draw(
    stacks: Sequence[Mapping[str, float]],
    titles: Sequence[str],
    labels: tuple[str, ...],
    highest: int,
    top: str,
) -> Chart:
    slot = WIDTH / max(1, len(stacks))
    bars = tuple(
        Bar(title=title, parts=_stack(stack, (n + _GAP / 2) * slot, slot * (1 - _GAP), highest))
        for n, (stack, title) in enumerate(zip(stacks, titles, strict=True))
    )
    return Chart(bars=bars, top=top, labels=labels)


def _labels(
    points: Sequence[Point] | Sequence[QueuePoint], look_back: StatsRange
) -> tuple[str, ...]:
    return tuple(_label(points[n].start, look_back) for n in _spread(len(points)))


def _stack(counts: Mapping[str, float], x: float, width: float, highest: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    floor = float(HEIGHT)
    for kind, count in counts.items():
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
