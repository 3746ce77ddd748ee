"""The rollups read back as the groups that counting row by row would have given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Func, IntegerField, QuerySet, Sum

from tasks.models import CallHour, EndedHour, LatencyHour
from tasks.stats.calls import CallGroup
from tasks.stats.finished import FinishedGroup, LatencyGroup
from tasks.stats.hours import HOUR_S


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


def rolled_latency(owner_id: int | None, hours: range, bucket_s: int) -> list[LatencyGroup]:
    """As `rolled_finished`, of waiting and running times."""
    keys = ("kind", "provider", "latency")
    rows = _sum(LatencyHour.objects.all(), owner_id, hours, bucket_s, keys, ("count",))
    return [LatencyGroup(**row) for row in rows]


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
    whose = {"owner__isnull": True} if owner_id is None else {"owner": owner_id}
    rows = (
        rolled.filter(hour__gte=hours.start, hour__lt=hours.stop, **whose)
        .order_by()
        .annotate(bucket=_Bucket("hour", hours=max(1, bucket_s // HOUR_S)))
        .values("bucket", *keys)
        .annotate(**{f"sum_{name}": Sum(name) for name in sums})
    )
    for row in rows:
        yield {name.removeprefix("sum_"): value for name, value in row.items()}
