"""The rollup rows of some hours: counted from tasks and attempts, then written in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Sum

from tasks.models import RollupProgress, Task
from tasks.row_writes import insert_rows
from tasks.stats.calls import call_groups, ended_calls
from tasks.stats.finished import finished_groups, latency_groups
from tasks.stats.hours import HOUR_S, HOURS_A_DAY, ended_between, ended_tasks, start_of
from tasks.stats.tables import CALLS, ENDED, LATENCIES, TALLIES, Rollup
from tasks.stats.tallies import tallies


def write_hours(hours: range) -> None:
    """Do these hours anew, and the days that they lie in. They are counted first: on SQLite a
    transaction holds the one write lock, which the engine needs, so it is short."""
    span = (start_of(hours.start), start_of(hours.stop))
    ended = ended_tasks(Task.objects.all(), *span)
    calls = ended_calls(ended_between(*span))
    groups: dict[Rollup, Iterable[Any]] = {
        ENDED: finished_groups(ended, HOUR_S, by_owner=True),
        LATENCIES: latency_groups(ended, HOUR_S, by_owner=True),
        TALLIES: tallies(ended, HOUR_S, by_owner=True),
        CALLS: call_groups(calls, HOUR_S, by_owner=True),
    }
    prepared = {rollup: list(_rows(groups[rollup], rollup.keys, rollup.sums)) for rollup in groups}
    with transaction.atomic():
        _wait_for_other_writers()
        for rollup, rows in prepared.items():
            _within(rollup.hours, "hour", hours).delete()
            insert_rows(rollup.hours, ["hour", "owner", *rollup.keys, *rollup.sums], rows)
            _add_up_days(rollup, hours)


def _rows(groups: Iterable[Any], keys: Sequence[str], sums: Sequence[str]) -> Iterator[list[Any]]:
    """One row for each owner, and one for all owners together."""
    totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(sums))
    for group in groups:
        key = [getattr(group, name) for name in keys]
        for owner_id in (group.owner_id, None):
            total = totals[group.bucket, owner_id, *key]
            for place, name in enumerate(sums):
                total[place] += getattr(group, name)
    for at, total in totals.items():
        yield [*at, *total]


def _add_up_days(rollup: Rollup, hours: range) -> None:
    names = ["owner", *rollup.keys]
    for day in range(hours.start // HOURS_A_DAY, (hours.stop - 1) // HOURS_A_DAY + 1):
        _within(rollup.days, "day", range(day, day + 1)).delete()
        of_day = range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)
        rows = _within(rollup.hours, "hour", of_day).order_by().values_list(*names)
        sums = rows.annotate(**{f"sum_{name}": Sum(name) for name in rollup.sums})
        insert_rows(rollup.days, ["day", *names, *rollup.sums], [[day, *row] for row in sums])


def _within(table: type[models.Model], period: str, numbers: range) -> models.QuerySet[Any]:
    bounds = {f"{period}__gte": numbers.start, f"{period}__lt": numbers.stop}
    return table._default_manager.filter(**bounds)


def _wait_for_other_writers() -> None:
    """One at a time between delete and insert, or an hour would be written twice."""
    RollupProgress.objects.get_or_create(id=1, defaults={"rolled_to": 0})
    RollupProgress.objects.select_for_update().get(id=1)
