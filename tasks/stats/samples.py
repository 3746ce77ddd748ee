"""Depth and age of the queue over time, from one sample a minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max

from tasks.models import QueueSample, Task
from tasks.querysets import TaskQuerySet, database_now
from tasks.stats.live import count_live, list_workers, oldest_due_age_s

SAMPLE_EVERY_S = 60.0
_KEPT = timedelta(days=32)
_MINUTE_S = 60


@dataclass(frozen=True, kw_only=True)
class QueuePoint:
    """The worst within one bar. None: nobody took a sample then."""

    start: datetime
    depth: int | None
    oldest_s: float | None


def take_sample() -> None:
    """Write down how the queue stands; what is too old to be looked at goes."""
    now = database_now()
    tasks: TaskQuerySet = Task.objects.all()
    live = count_live(tasks)
    alive = [worker for worker in list_workers(now) if worker.is_alive]
    minute = int(now.timestamp()) // _MINUTE_S
    QueueSample.objects.update_or_create(
        minute=minute,
        defaults={
            "due": live.due,
            "waiting": live.waiting,
            "running": live.running,
            "oldest_s": oldest_due_age_s(tasks, now),
            "live_workers": len(alive),
            "slots": sum(worker.slots for worker in alive),
        },
    )
    oldest_kept = minute - int(_KEPT.total_seconds()) // _MINUTE_S
    QueueSample.objects.filter(minute__lt=oldest_kept).delete()


def queue_series(starts: Sequence[datetime], bucket_s: int) -> tuple[QueuePoint, ...]:
    """One point for each of `starts`, oldest first."""
    if not starts:
        return ()
    width = bucket_s // _MINUTE_S
    rows = (
        QueueSample.objects.filter(minute__gte=int(starts[0].timestamp()) // _MINUTE_S)
        .order_by()
        .annotate(bucket=F("minute") / width)
        .values_list("bucket")
        .annotate(depth=Max("due"), oldest=Max("oldest_s"))
    )
    found = {bucket: (depth, oldest) for bucket, depth, oldest in rows}
    return tuple(
        QueuePoint(start=start, depth=depth, oldest_s=oldest)
        for start in starts
        for depth, oldest in [found.get(int(start.timestamp()) // bucket_s, (None, None))]
    )
