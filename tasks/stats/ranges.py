"""How far the figures look back, and how finely a chart divides that time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class StatsRange(StrEnum):
    """The look back that a reader may choose; ends now."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]

    @property
    def bucket_s(self) -> int:
        """Width of one bar of the chart, in seconds; bars begin at multiples of it since 1970."""
        return _BUCKET_S[self]

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def cache_s(self) -> int:
        """How long figures may be shown again: the dearer the scan, the longer."""
        return _CACHE_S[self]

    def buckets(self, now: datetime) -> list[datetime]:
        """Where each bar begins, oldest first. The first and the last bar are partial."""
        width = self.bucket_s
        first = int((now - self.length).timestamp()) // width
        last = int(now.timestamp()) // width
        return [datetime.fromtimestamp(n * width, UTC) for n in range(first, last + 1)]


_LENGTHS = {
    StatsRange.HOUR: timedelta(hours=1),
    StatsRange.DAY: timedelta(hours=24),
    StatsRange.WEEK: timedelta(days=7),
    StatsRange.MONTH: timedelta(days=30),
}
_BUCKET_S = {
    StatsRange.HOUR: 300,
    StatsRange.DAY: 3_600,
    StatsRange.WEEK: 21_600,
    StatsRange.MONTH: 86_400,
}
_WORDS = {
    StatsRange.HOUR: "last hour",
    StatsRange.DAY: "last 24 hours",
    StatsRange.WEEK: "last 7 days",
    StatsRange.MONTH: "last 30 days",
}
_CACHE_S = {StatsRange.HOUR: 2, StatsRange.DAY: 3, StatsRange.WEEK: 30, StatsRange.MONTH: 300}
