"""How things stand this moment: waiting, running, workers. Served by partial indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from tasks.conf import get_conf
from tasks.index_hints import through_index, where
from tasks.models import Alert, Attempt, Worker
from tasks.querysets import TaskQuerySet
from tasks.stats.blocks import count_tasks
from tasks.vocabulary import Status

_OLDEST_LOOKED_AT = 200


@dataclass(frozen=True, kw_only=True)
class WorkerFigures:
    """One worker process. `is_alive`: heard of within the lease time."""

    name: str
    host: str
    pid: int
    slots: int
    in_flight: int
    beat_age_s: float
    is_alive: bool


@dataclass(frozen=True, kw_only=True)
class FiringAlert:
    """Something is wrong since then. `better_since`: it looks well again, but has yet to last."""

    key: str
    message: str
    since: datetime | None
    better_since: datetime | None = None


def list_firing() -> tuple[FiringAlert, ...]:
    """The alerts that are not over."""
    return tuple(
        FiringAlert(
            key=alert.key,
            message=alert.message,
            since=alert.changed_at,
            better_since=alert.turning_since,
        )
        for alert in Alert.objects.filter(is_firing=True)
    )


@dataclass(frozen=True, kw_only=True)
class LiveCounts:
    """Tasks that have not ended. `due` want a slot only, `waiting` a moment to come."""

    due: int
    waiting: int
    running: int


def count_live(tasks: TaskQuerySet) -> LiveCounts:
    """Three counts, each by a partial index, however many tasks have ended."""
    running = tasks.filter(where("status", Status.PROCESSING))
    return LiveCounts(
        due=tasks.due().order_by().count(),
        waiting=tasks.waiting().order_by().count(),
        running=through_index(running, "task_lease").order_by().count(),
    )


def count_by_status(tasks: TaskQuerySet, owner_id: int | None) -> dict[Status, int]:
    """How many tasks stand where; states without a task are 0. tasks: those of `owner_id`; of
    everybody if that is None."""
    live = count_live(tasks)
    found = {
        Status.PENDING: live.due + live.waiting,
        Status.PROCESSING: live.running,
        Status.FAILED: tasks.filter(status=Status.FAILED).count(),
        Status.CANCELLED: tasks.filter(status=Status.CANCELLED).count(),
    }
    # Most tasks: a million of them would be counted for longer than all the rest.
    found[Status.COMPLETED] = count_tasks(tasks, owner_id) - sum(found.values())
    return {status: found[status] for status in Status}


def count_waiting(tasks: TaskQuerySet) -> Mapping[str, int]:
    """PENDING tasks that wait for a moment to come, by their reason; most frequent first."""
    rows = (
        tasks.waiting()
        .order_by()
        .values_list("waiting_reason")
        .annotate(count=Count("pk"))
        .order_by("-count", "waiting_reason")
    )
    return dict(rows)


def oldest_due_age_s(tasks: TaskQuerySet, now: datetime) -> float | None:
    """Seconds that the task longest due waits for a free slot; None if none waits.

    A retried task is old, but its wait is not: it is due since its last attempt ended.
    """
    due = tasks.due().order_by("id")[:_OLDEST_LOOKED_AT]
    since: dict[int, datetime] = {
        pk: max(created_at, run_after or created_at)
        for pk, created_at, run_after in due.values_list("pk", "created_at", "run_after")
    }
    ended = Attempt.objects.filter(task__in=list(since), finished_at__isnull=False).order_by()
    for pk, at in ended.values_list("task").annotate(at=Max("finished_at")):
        since[pk] = max(since[pk], at)
    if not since:
        return None
    return max(0.0, round((now - min(since.values())).total_seconds(), 3))


def list_workers(now: datetime) -> tuple[WorkerFigures, ...]:
    """Every worker that has a row, the silent ones too."""
    limit = timedelta(seconds=get_conf().lease_s)
    return tuple(
        WorkerFigures(
            name=worker.name,
            host=worker.host,
            pid=worker.pid,
            slots=worker.slots,
            in_flight=worker.in_flight,
            beat_age_s=max(0.0, round((now - worker.beat_at).total_seconds(), 1)),
            is_alive=now - worker.beat_at <= limit,
        )
        for worker in Worker.objects.order_by("name")
    )
