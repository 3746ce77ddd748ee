"""Tasks that ended within a range: how many, how, by whom, at what cost. One pass each."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Expression, Q, Sum
from django.db.models.functions import Coalesce

from tasks.querysets import TaskQuerySet
from tasks.stats.expressions import (
    EpochBucket,
    answering_provider,
    queue_ms,
    run_ms,
    two_digits,
)
from tasks.vocabulary import ResultSource

Histogram = Mapping[int, int]
_CENTS = Decimal("0.0000000001")
# A cached answer caused no new call, the mock never does.
_UNPRICED = Q(cost_usd=None, result_source__in=[ResultSource.PROVIDER, ResultSource.FALLBACK])


@dataclass(frozen=True, kw_only=True)
class FinishedGroup:
    """Ended tasks that agree in all of bucket, provider, source, status and error."""

    bucket: int
    provider: str
    source: str
    status: str
    error_code: str
    count: int
    cost_usd: Decimal
    unpriced: int
    prompt_tokens: int
    completion_tokens: int


def finished_groups(ended: TaskQuerySet, bucket_s: int) -> list[FinishedGroup]:
    """`ended`: the finished tasks to count. Buckets are numbered from 1970, `bucket_s` wide."""
    rows = (
        ended.order_by()
        .annotate(
            bucket=EpochBucket("finished_at", width_s=bucket_s), answered_by=answering_provider()
        )
        .values("bucket", "answered_by", "result_source", "status", "error_code")
        .annotate(
            count=Count("pk"),
            cost=Sum("cost_usd"),
            unpriced=Count("pk", filter=_UNPRICED),
            tokens_in=Coalesce(Sum("prompt_tokens"), 0),
            tokens_out=Coalesce(Sum("completion_tokens"), 0),
        )
    )
    return [
        FinishedGroup(
            bucket=row["bucket"],
            provider=row["answered_by"],
            source=row["result_source"],
            status=row["status"],
            error_code=row["error_code"],
            count=row["count"],
            cost_usd=(row["cost"] or Decimal(0)).quantize(_CENTS),
            unpriced=row["unpriced"],
            prompt_tokens=row["tokens_in"],
            completion_tokens=row["tokens_out"],
        )
        for row in rows
    ]


def wait_histograms(ended: TaskQuerySet) -> dict[str, Histogram]:
    """Per provider: milliseconds in the queue, to two digits, and how many tasks waited so."""
    return _histograms(ended, queue_ms())


def run_histograms(ended: TaskQuerySet) -> dict[str, Histogram]:
    """Per provider: milliseconds from first call to end, to two digits, and how many tasks."""
    return _histograms(ended, run_ms())


def _histograms(ended: TaskQuerySet, duration_ms: Expression) -> dict[str, Histogram]:
    rows = (
        ended.filter(started_at__isnull=False)
        .order_by()
        .annotate(answered_by=answering_provider(), ms=duration_ms)
        .annotate(bin=two_digits("ms"))
        .values_list("answered_by", "bin")
        .annotate(count=Count("pk"))
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for provider, duration, count in rows:
        bin_ms = max(0, duration)  # two hosts' clocks may have written the two ends
        found[provider][bin_ms] = found[provider].get(bin_ms, 0) + count
    return dict(found)


def percentile_s(histogram: Histogram, fraction: float) -> float | None:
    """The value in seconds that `fraction` of the tasks do not exceed; None without tasks."""
    return _value_at(sorted(histogram.items()), fraction * sum(histogram.values()))


def _value_at(bins: Iterable[tuple[int, int]], rank: float) -> float | None:
    seen = 0
    for start_ms, count in bins:
        seen += count
        if seen >= rank:
            return round(_middle(start_ms) / 1000, 4)
    return None


def _middle(start_ms: int) -> float:
    """The geometric mean of a bin's ends, 4.9 % off at most; below 100 ms a bin is one value."""
    width = 0 if start_ms < 100 else 10 ** (len(str(start_ms)) - 2)
    return math.sqrt(start_ms * (start_ms + width))
