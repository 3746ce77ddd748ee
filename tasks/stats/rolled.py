"""The rollups read back as the groups that counting row by row would have given."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from django.db.models import Func, IntegerField, QuerySet, Sum, Value

from tasks.prepared import Prepared
from tasks.stats.calls import CallGroup
from tasks.stats.finished import FinishedGroup, LatencyGroup
from tasks.stats.hours import HOUR_S, HOURS_A_DAY
from tasks.stats.tables import CALLS, ENDED, LATENCIES, TALLIES, Rollup
from tasks.stats.tallies import Tally


class _Bucket(Func):
    """The wider bucket that an hour or a day lies in."""

    arity = 1
    template = "(%(expressions)s / %(width)d)"
    output_field = IntegerField()


def rolled_finished(owner_id: int | None, hours: range, bucket_s: int) -> list[FinishedGroup]:
    """owner_id: whose tasks; None for everybody's. `bucket_s` is an hour or several."""
    width = max(1, bucket_s // HOUR_S)
    return [FinishedGroup(**row) for row in _read(ENDED, owner_id, hours, width)]


def rolled_calls(owner_id: int | None, hours: range) -> list[CallGroup]:
    """As `rolled_finished`, of provider calls, all in one bucket: they are only summed."""
    return [CallGroup(**row) for row in _read(CALLS, owner_id, hours)]


def rolled_tallies(owner_id: int | None, hours: range) -> list[Tally]:
    """As `rolled_calls`, by what the tasks have in common."""
    return [Tally(**row) for row in _read(TALLIES, owner_id, hours)]


def rolled_latency(owner_id: int | None, hours: range) -> list[LatencyGroup]:
    """As `rolled_calls`: for percentiles it is of no matter when a task ended."""
    return [LatencyGroup(**row) for row in _read(LATENCIES, owner_id, hours)]


def _read(
    rollup: Rollup, owner_id: int | None, hours: range, width: int | None = None
) -> Iterator[dict[str, Any]]:
    """The groups in buckets of `width` hours; None: in one. Whole days come from their own rows,
    if a bucket has room for them."""
    is_by_day = width is None or width % HOURS_A_DAY == 0
    days = range(-(-hours.start // HOURS_A_DAY), hours.stop // HOURS_A_DAY)
    if not (is_by_day and days):
        yield from _sum(rollup, "hour", hours, owner_id, width)
        return
    head = range(hours.start, days.start * HOURS_A_DAY)
    tail = range(days.stop * HOURS_A_DAY, hours.stop)
    yield from _sum(rollup, "hour", head, owner_id, width)
    yield from _sum(rollup, "day", days, owner_id, width and width // HOURS_A_DAY)
    yield from _sum(rollup, "hour", tail, owner_id, width)


def _sum(
    rollup: Rollup, period: str, numbers: range, owner_id: int | None, width: int | None
) -> Iterator[dict[str, Any]]:
    """`numbers`, `width`: of hours or of days, as `period` says."""
    if not numbers:
        return
    values = [numbers.start, numbers.stop] + ([] if owner_id is None else [owner_id])
    names = ("bucket", *rollup.keys, *rollup.sums)
    for row in _sums(rollup, period, width, is_owned=owner_id is not None)(*values):
        yield dict(zip(names, row, strict=True))


@functools.cache  # as many as there are tables and widths of a bar
def _sums(
    rollup: Rollup, period: str, width: int | None, *, is_owned: bool
) -> Prepared[tuple[Any, ...]]:
    """Asked with the first number, the one after the last, and the owner's id if it has one."""
    table: Any = rollup.hours if period == "hour" else rollup.days
    bucket = Value(0) if width is None else _Bucket(period, width=width)
    sums = {f"sum_{name}": Sum(name) for name in rollup.sums}

    def select(start: int, stop: int, owner_id: int | None = None) -> QuerySet[Any, Any]:
        whose = {"owner": owner_id} if is_owned else {"owner__isnull": True}
        within = {f"{period}__gte": start, f"{period}__lt": stop}
        rows: QuerySet[Any] = table.objects.filter(**within, **whose).order_by()
        alike = rows.annotate(bucket=bucket).values_list("bucket", *rollup.keys)
        groups: QuerySet[Any, Any] = alike.annotate(**sums)
        return groups

    return Prepared(select)
