"""How long a task still has to go: its place in the line, and seconds from recent real runs.

Figures of the whole system, whoever owns the tasks: there is one line for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from tasks.models import Task
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
    now = database_now()
    position = queue_position(task)
    left_s = _seconds_left(task, position, now)
    return Outlook(
        queue_position=position, estimated_seconds_left=None if left_s is None else round(left_s, 1)
    )


def queue_position(task: Task) -> int | None:
    """How many due tasks are called before this one, itself counted."""
    if task.state is not Status.PENDING or task.wake_at is not None:
        return None
    due: TaskQuerySet = Task.objects.all().due()
    return due.ahead_of(task.priority, task.boost, task.pk).order_by().count()


def _seconds_left(task: Task, position: int | None, now: datetime) -> float | None:
    runs_s = _recent_runs(task.provider, now)
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


def _recent_runs(provider: str, now: datetime) -> list[float]:
    """Seconds that the newest COMPLETED tasks of this provider ran, cached answers left out."""
    rows = (
        Task.objects.filter(provider=provider, status=Status.COMPLETED, finished_at__isnull=False)
        .exclude(result_source=ResultSource.CACHE)
        .order_by("-id")
        .values_list("started_at", "finished_at")[:_RUNS_LOOKED_AT]
    )
    return [
        (finished_at - started_at).total_seconds()
        for started_at, finished_at in rows
        if started_at and finished_at and finished_at > now - _RECENT
    ]


def _rest_of_run(runs_s: list[float], elapsed_s: float) -> float | None:
    """What runs that took longer than this one has so far still had to go; None if none did."""
    rests = [run_s - elapsed_s for run_s in runs_s if run_s > elapsed_s]
    return median(rests) if rests else None
