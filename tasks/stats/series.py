"""Finished tasks over time: one point a bar of the chart, empty ones included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.stats.finished import FinishedGroup
from tasks.vocabulary import Provider, Status


@dataclass(frozen=True, kw_only=True)
class Point:
    """What ended within one bar. `mock` counts the mock's answers, which are in no other field."""

    start: datetime
    completed: int
    failed: int
    cancelled: int
    mock: int

    @property
    def total(self) -> int:
        return self.completed + self.failed + self.cancelled + self.mock


def build_series(
    groups: Iterable[FinishedGroup], starts: Sequence[datetime], bucket_s: int
) -> tuple[Point, ...]:
    """One point for each of `starts`, oldest first."""
    counts: Counter[tuple[int, str]] = Counter()
    for group in groups:
        is_mock = group.provider == Provider.MOCK and group.status == Status.COMPLETED
        kind = "mock" if is_mock else group.status
        counts[group.bucket, kind] += group.count
    return tuple(
        Point(
            start=start,
            completed=counts[number, Status.COMPLETED],
            failed=counts[number, Status.FAILED],
            cancelled=counts[number, Status.CANCELLED],
            mock=counts[number, "mock"],
        )
        for start in starts
        for number in [int(start.timestamp()) // bucket_s]
    )
