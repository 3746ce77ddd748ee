from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from tasks.pages.chart import HEIGHT, WIDTH, draw_chart
from tasks.stats import StatsRange
from tasks.stats.series import Point

_START = datetime(2026, 11, 22, 7, tzinfo=UTC)


def _points(*totals):
    return [
        Point(start=_START + timedelta(hours=n), completed=total, failed=0, cancelled=0, mock=0)
        for n, total in enumerate(totals)
    ]


def test_heights_are_in_proportion_and_bars_stay_in_the_box():
    chart = draw_chart(_points(50, 100), StatsRange.DAY)
    half, whole = (bar.parts[0] for bar in chart.bars)
    assert (half.height, whole.height) == (HEIGHT / 2, HEIGHT)
    assert (half.y, whole.y) == (HEIGHT / 2, 0)
    assert whole.x + whole.width <= WIDTH


def test_pieces_of_a_bar_stand_on_each_other():
    point = Point(start=_START, completed=6, failed=2, cancelled=1, mock=1)
    parts = draw_chart([point], StatsRange.DAY).bars[0].parts
    assert [part.kind for part in parts] == ["completed", "mock", "failed", "cancelled"]
    for lower, upper in itertools.pairwise(parts):
        assert upper.y + upper.height == pytest.approx(lower.y)


def test_one_failure_among_thousands_is_still_seen():
    point = Point(start=_START, completed=5000, failed=1, cancelled=0, mock=0)
    assert draw_chart([point], StatsRange.DAY).bars[0].parts[-1].height >= 1.5


@pytest.mark.parametrize(
    ("highest", "scale"), [(0, 1), (1, 1), (3, 5), (11, 20), (50, 50), (51, 100), (1234, 2000)]
)
def test_the_scale_ends_at_a_round_number(highest, scale):
    assert draw_chart(_points(highest), StatsRange.DAY).top == f"{scale:,}"


def test_nothing_finished_is_an_empty_chart_and_not_an_error():
    chart = draw_chart(_points(0, 0), StatsRange.HOUR)
    assert [bar.parts for bar in chart.bars] == [(), ()]
    assert draw_chart([], StatsRange.HOUR).labels == ()
