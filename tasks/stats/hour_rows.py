"""The rollup rows of some hours: counted from tasks and attempts, then written in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Sum

from tasks.models import (
    CallHour,
    EndedHour,
    LatencyDay,
    LatencyHour,
    RollupProgress,
    TallyHour,
    Task,
)
from tasks.row_writes import insert_rows
from tasks.stats.calls import call_groups, ended_calls
from tasks.stats.finished import finished_groups, latency_groups
from tasks.stats.hours import HOUR_S, HOURS_A_DAY, ended_between, ended_tasks, start_of
from tasks.stats.tallies import tallies

_ENDED = (("provider", "source", "status", "error_code"), ("count",))
_LATENCY = (("kind", "provider", "latency"), ("count",))
_TALLIES = (("kind", "key"), ("completed", "failed", "cost_units", "run_ms"))
_CALLS = (
    ("provider", "model", "outcome"),
    ("count", "cost_units", "unpriced", "prompt_tokens", "completion_tokens"),
)


def write_hours(hours: range) -> None:
    """Do these hours anew. They are counted first: on SQLite a transaction holds the one write
    lock, which the engine needs, so it is short."""
    span = (start_of(hours.start), start_of(hours.stop))
    ended = ended_tasks(Task.objects.all(), *span)
    tables: list[tuple[type[models.Model], Any, Iterable[Any]]] = [
        (EndedHour, _ENDED, finished_groups(ended, HOUR_S, by_owner=True)),
        (LatencyHour, _LATENCY, latency_groups(ended, HOUR_S, by_owner=True)),
        (TallyHour, _TALLIES, tallies(ended, HOUR_S, by_owner=True)),
        (CallHour, _CALLS, call_groups(ended_calls(ended_between(*span)), HOUR_S, by_owner=True)),
    ]
    prepared = [
        (model, columns, list(_rows(groups, *columns))) for model, columns, groups in tables
    ]
    with transaction.atomic():
        _wait_for_other_writers()
        for model, (keys, sums), rows in prepared:
            model._default_manager.filter(hour__gte=hours.start, hour__lt=hours.stop).delete()
            insert_rows(model, ["hour", "owner", *keys, *sums], rows)
        _add_up_days(range(hours.start // HOURS_A_DAY, (hours.stop - 1) // HOURS_A_DAY + 1))


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


def _add_up_days(days: range) -> None:
    LatencyDay.objects.filter(day__gte=days.start, day__lt=days.stop).delete()
    names = ["owner", "kind", "provider", "latency"]
    for day in days:
        hours = range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)
        rows = LatencyHour.objects.filter(hour__gte=hours.start, hour__lt=hours.stop)
        sums = rows.order_by().values_list(*names).annotate(sum=Sum("count"))
        insert_rows(LatencyDay, ["day", *names, "count"], [[day, *row] for row in sums])


def _wait_for_other_writers() -> None:
    """One at a time between delete and insert, or an hour would be written twice."""
    RollupProgress.objects.get_or_create(id=1, defaults={"rolled_to": 0})
    RollupProgress.objects.select_for_update().get(id=1)
