"""The rollups read back as the groups that counting row by row would have given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Func, IntegerField, QuerySet, Sum

from tasks.models import CallHour, EndedHour, LatencyDay, LatencyHour, TallyHour
from tasks.stats.calls import CallGroup
from tasks.stats.finished import FinishedGroup, LatencyGroup
from tasks.stats.hours import HOUR_S, HOURS_A_DAY
from tasks.stats.tallies import Tally


class _Bucket(Func):
    """The wider bucket that an hour lies in."""

    arity = 1
    template = "(%(expressions)s / %(hours)d)"
    output_field = IntegerField()


def rolled_finished(owner_id: int | None, hours: range, bucket_s: int) -> list[FinishedGroup]:
    """owner_id: whose tasks; None for everybody's. `bucket_s` is an hour or several."""
    keys = ("provider", "source", "status", "error_code")
    rows = _sum(EndedHour.objects.all(), owner_id, hours, bucket_s, keys, ("count",))
    return [FinishedGroup(**row) for row in rows]


def rolled_calls(owner_id: int | None, hours: range, bucket_s: int) -> list[CallGroup]:
    """As `rolled_finished`, of provider calls."""
    sums = ("count", "cost_units", "unpriced", "prompt_tokens", "completion_tokens")
    keys = ("provider", "model", "outcome")
    rows = _sum(CallHour.objects.all(), owner_id, hours, bucket_s, keys, sums)
    return [CallGroup(**row) for row in rows]


def rolled_tallies(owner_id: int | None, hours: range) -> list[Tally]:
    """As `rolled_finished`, by model and by template, all in one bucket: they are only summed."""
    if not hours:
        return []
    sums = ("completed", "failed", "cost_units", "run_ms")
    rows = (
        TallyHour.objects.filter(hour__gte=hours.start, hour__lt=hours.stop, **_whose(owner_id))
        .order_by()
        .values_list("kind", "key")
        .annotate(**{f"sum_{name}": Sum(name) for name in sums})
    )
    return [
        Tally(bucket=0, kind=kind, key=key, **dict(zip(sums, values, strict=True)))
        for kind, key, *values in rows
    ]


def rolled_latency(owner_id: int | None, hours: range) -> list[LatencyGroup]:
    """Waiting and running times of one owner or of everybody, whole days from their own rollup.

    All are in one bucket: for percentiles it is of no matter when a task ended.
    """
    days = range(-(-hours.start // HOURS_A_DAY), hours.stop // HOURS_A_DAY)
    if not days:
        return _latency(LatencyHour.objects.all(), owner_id, "hour", hours)
    return [
        *_latency(LatencyDay.objects.all(), owner_id, "day", days),
        *_latency(
            LatencyHour.objects.all(),
            owner_id,
            "hour",
            range(hours.start, days.start * HOURS_A_DAY),
        ),
        *_latency(
            LatencyHour.objects.all(), owner_id, "hour", range(days.stop * HOURS_A_DAY, hours.stop)
        ),
    ]


def _latency(
    rolled: QuerySet[Any], owner_id: int | None, period: str, numbers: range
) -> list[LatencyGroup]:
    if not numbers:
        return []
    within = {f"{period}__gte": numbers.start, f"{period}__lt": numbers.stop}
    rows = rolled.filter(**within, **_whose(owner_id)).order_by()
    sums = rows.values_list("kind", "provider", "latency").annotate(sum=Sum("count"))
    return [
        LatencyGroup(bucket=0, kind=kind, provider=provider, latency=latency, count=count)
        for kind, provider, latency, count in sums
    ]


def _whose(owner_id: int | None) -> dict[str, Any]:
    return {"owner__isnull": True} if owner_id is None else {"owner": owner_id}


def _sum(
    rolled: QuerySet[Any],
    owner_id: int | None,
    hours: range,
    bucket_s: int,
    keys: tuple[str, ...],
    sums: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """Sums of the columns `sums` for each bucket and each combination of `keys`."""
    if not hours:
        return
    rows = (
        rolled.filter(hour__gte=hours.start, hour__lt=hours.stop, **_whose(owner_id))
        .order_by()
        .annotate(bucket=_Bucket("hour", hours=max(1, bucket_s // HOUR_S)))
        .values("bucket", *keys)
        .annotate(**{f"sum_{name}": Sum(name) for name in sums})
    )
    for row in rows:
        yield {name.removeprefix("sum_"): value for name, value in row.items()}
