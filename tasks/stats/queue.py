"""How long a task still has to go: its place in the line, and seconds from recent real runs.

Figures of the whole system, whoever owns the tasks: there is one line for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, QuerySet, Value

from tasks.models import Task
from tasks.prepared import Prepared
from tasks.querysets import TaskQuerySet, database_now
from tasks.stats.live import list_workers
from tasks.vocabulary import ResultSource, Status

_RUNS_LOOKED_AT = 50
_RECENT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """`queue_position`: 1 is called next; None when the task does not stand in line.

    `estimated_seconds_left`: None when it has ended, or when nothing recent tells.
    """

    queue_position: int | None
    estimated_seconds_left: float | None


def get_outlook(task: Task) -> Outlook:
    """Of this moment. A few indexed looks; for an ended task none."""
    if task.is_terminal:
        return Outlook(queue_position=None, estimated_seconds_left=None)
    position = queue_position(task)
    left_s = _seconds_left(task, position)
    return Outlook(
        queue_position=position, estimated_seconds_left=None if left_s is None else round(left_s, 1)
    )


def queue_position(task: Task) -> int | None:
    """How many due tasks are called before this one, itself counted."""
    if task.state is not Status.PENDING or task.wake_at is not None:
        return None
    return sum(_count_ahead(task.priority + task.boost, task.pk))


def _seconds_left(task: Task, position: int | None) -> float | None:
    runs = _newest_runs(task.provider)
    if not runs:
        return None
    now = database_now()
    runs_s = _recent(runs, now)
    if not runs_s:
        return None
    if task.state is Status.PROCESSING:
        return _rest_of_run(runs_s, (now - (task.started_at or now)).total_seconds())
    if task.wake_at is not None:
        return max(0.0, (task.wake_at - now).total_seconds()) + median(runs_s)
    slots = sum(worker.slots for worker in list_workers(now) if worker.is_alive)
    if not slots:
        return None  # nobody works: no figure of the past tells when somebody will
    return (1 + ((position or 1) - 1) // slots) * median(runs_s)


def _recent(runs: Iterable[tuple[datetime, datetime]], now: datetime) -> list[float]:
    """Seconds of those that ended not long ago."""
    return [
        (finished_at - started_at).total_seconds()
        for started_at, finished_at in runs
        if finished_at > now - _RECENT
    ]


def _select_ahead(rank: int, task_id: int) -> QuerySet[Any, int]:
    """Two counts, each of one stretch of the index: whoever stands in front costs little, however
    long the line is behind them."""
    due: TaskQuerySet = Task.objects.all().due()
    own = _select_count(due.of_rank_until(rank, task_id))
    return _select_count(due.above(rank)).union(own, all=True)


def _select_count(rows: TaskQuerySet) -> QuerySet[Any, int]:
    """A count that is a query, to be prepared: of all rows as one group; no row for none."""
    grouped = rows.order_by().annotate(group=Value(1)).values("group").annotate(n=Count("*"))
    counted: QuerySet[Any, int] = grouped.values_list("n", flat=True)
    return counted


def _select_newest_runs(provider: str) -> QuerySet[Any, tuple[datetime, datetime]]:
    """When the newest COMPLETED tasks of this provider ran, cached answers left out."""
    completed = Task.objects.filter(provider=provider, status=Status.COMPLETED)
    return (
        completed.filter(started_at__isnull=False, finished_at__isnull=False)
        .exclude(result_source=ResultSource.CACHE)
        .order_by("-id")
        .values_list("started_at", "finished_at")[:_RUNS_LOOKED_AT]
    )


_count_ahead: Prepared[int] = Prepared(_select_ahead)
_newest_runs: Prepared[tuple[datetime, datetime]] = Prepared(_select_newest_runs)


def _rest_of_run(runs_s: list[float], elapsed_s: float) -> float | None:
    """What runs that took longer than this one has so far still had to go; None if none did."""
    rests = [run_s - elapsed_s for run_s in runs_s if run_s > elapsed_s]
    return median(rests) if rests else None
