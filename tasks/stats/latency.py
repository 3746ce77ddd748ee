"""Percentiles from histograms: buckets that widen by a tenth, so every answer is within 5 %."""

from __future__ import annotations

import math
from collections.abc import Mapping

Histogram = Mapping[int, int]
"""How many durations fall into each bucket."""

_BASE = math.log(1.1)
_INSTANT = -1


def bucket_of(duration_ms: int) -> int:
    """floor(ln ms / ln 1.1); below a millisecond, -1. Two hosts' clocks may have swapped the ends
    of a duration: that counts as nothing, too."""
    return _INSTANT if duration_ms < 1 else math.floor(math.log(duration_ms) / _BASE)


def percentile_s(histogram: Histogram, fraction: float) -> float | None:
    """The value in seconds that `fraction` of the durations do not exceed; None without any."""
    rank, seen = fraction * sum(histogram.values()), 0
    for bucket, count in sorted(histogram.items()):
        seen += count
        if seen >= rank:
            return round(_middle_ms(bucket) / 1000, 4)
    return None


def _middle_ms(bucket: int) -> float:
    """The geometric mean of a bucket's ends, 4.9 % off at most."""
    return 0.0 if bucket == _INSTANT else math.exp((bucket + 0.5) * _BASE)
