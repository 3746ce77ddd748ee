"""Tasks that ended, counted row by row: how many, how, by whom, how long they took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Expression, QuerySet

from tasks.querysets import TaskQuerySet
from tasks.stats.expressions import EpochBucket, answering_provider, queue_ms, run_ms
from tasks.stats.latency import Histogram, bucket_of
from tasks.vocabulary import ResultSource, Status

WAIT, RUN = "wait", "run"

Durations = tuple[int, str, int, int, int | None]
"""Bucket, provider, milliseconds of waiting and of running, owner."""


@dataclass(frozen=True, kw_only=True)
class FinishedGroup:
    """Ended tasks that agree in all of bucket, provider, source, status and error.

    `bucket` counts from 1970 in widths of the question asked. `owner_id` None: of any owner.
    """

    bucket: int
    provider: str
    source: str
    status: str
    error_code: str
    count: int
    owner_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class LatencyGroup:
    """How many tasks waited (`wait`) or ran (`run`) for a time in one bucket of `latency`."""

    bucket: int
    kind: str
    provider: str
    latency: int
    count: int
    owner_id: int | None = None


def finished_groups(
    ended: TaskQuerySet, bucket_s: int, *, by_owner: bool = False
) -> list[FinishedGroup]:
    """`ended`: the finished tasks to count."""
    return read_finished(select_finished(ended, bucket_s, by_owner=by_owner))


def select_finished(
    ended: TaskQuerySet, bucket_s: int, *, by_owner: bool = False
) -> QuerySet[Any, dict[str, Any]]:
    """What `read_finished` makes the groups of."""
    also = ("owner_id",) if by_owner else ()
    marked = ended.order_by().annotate(
        bucket=EpochBucket("finished_at", width_s=bucket_s), answered_by=answering_provider()
    )
    alike = marked.values("bucket", "answered_by", "result_source", "status", "error_code", *also)
    groups: QuerySet[Any, dict[str, Any]] = alike.annotate(count=Count("pk"))
    return groups


def read_finished(rows: Iterable[Mapping[str, Any]]) -> list[FinishedGroup]:
    return [
        FinishedGroup(
            bucket=row["bucket"],
            provider=row["answered_by"],
            source=row["result_source"],
            status=row["status"],
            error_code=row["error_code"],
            count=row["count"],
            owner_id=row.get("owner_id"),
        )
        for row in rows
    ]


def latency_groups(
    ended: TaskQuerySet, bucket_s: int, *, by_owner: bool = False
) -> list[LatencyGroup]:
    """Of those of `ended` that a provider was really asked for, and that were not cancelled."""
    return read_latencies(select_durations(ended, bucket_s).iterator(), by_owner=by_owner)


def select_durations(ended: TaskQuerySet, bucket_s: int) -> QuerySet[Any, Durations]:
    """What `read_latencies` makes the groups of: a row a task."""
    marked: QuerySet[Any, Any] = _answered(ended).annotate(
        period=EpochBucket("finished_at", width_s=bucket_s),
        answered_by=answering_provider(),
        wait_ms=queue_ms(),
        run_ms=run_ms(),
    )
    return marked.values_list("period", "answered_by", "wait_ms", "run_ms", "owner_id")


def read_latencies(rows: Iterable[Durations], *, by_owner: bool = False) -> list[LatencyGroup]:
    counts: Counter[tuple[int, str, str, int, int | None]] = Counter()
    for period, provider, wait_ms, ran_ms, owner_id in rows:
        whose = owner_id if by_owner else None
        counts[period, WAIT, provider, bucket_of(wait_ms), whose] += 1
        counts[period, RUN, provider, bucket_of(ran_ms), whose] += 1
    return [
        LatencyGroup(
            bucket=period, kind=kind, provider=provider, latency=latency, count=count,
            owner_id=owner_id,
        )
        for (period, kind, provider, latency, owner_id), count in counts.items()
    ]  # fmt: skip


def wait_histograms(ended: TaskQuerySet) -> dict[str, Histogram]:
    """Per provider: how long the tasks stood in the queue."""
    return _histograms(ended, queue_ms())


def run_histograms(ended: TaskQuerySet) -> dict[str, Histogram]:
    """Per provider: how long the tasks took from their first call to their end."""
    return _histograms(ended, run_ms())


def _histograms(ended: TaskQuerySet, duration_ms: Expression) -> dict[str, Histogram]:
    rows = (
        _answered(ended)
        .annotate(answered_by=answering_provider(), ms=duration_ms)
        .values_list("answered_by", "ms")
        .annotate(count=Count("pk"))
    )
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for provider, ms, count in rows:
        found[provider][bucket_of(ms)] += count
    return dict(found)


def _answered(ended: TaskQuerySet) -> TaskQuerySet:
    # Said by exclusion: for `status IN (…)` SQLite takes the index on status and reads every row.
    asked = ended.exclude(status=Status.CANCELLED).exclude(result_source=ResultSource.CACHE)
    return asked.filter(started_at__isnull=False).order_by()
