"""A look back cut into what the rollups tell by the hour and what is counted as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from tasks.index_hints import through_index
from tasks.models import RollupProgress
from tasks.querysets import TaskQuerySet

HOUR_S = 3600
HOURS_A_DAY = 24


def hour_of(moment: datetime) -> int:
    """The number of its hour, counted from 1970, UTC."""
    return int(moment.timestamp()) // HOUR_S


def midnight(moment: datetime) -> datetime:
    """When its day began, UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def start_of(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def ended_tasks(tasks: TaskQuerySet, start: datetime, end: datetime | None) -> TaskQuerySet:
    """Those of `tasks` that ended then, found by when they ended, however many their owner has."""
    return through_index(tasks.filter(ended_between(start, end)), "task_finished")


def ended_between(start: datetime, end: datetime | None) -> Q:
    """Of tasks or attempts: `start` belongs to it, `end` no more; None is open."""
    since = Q(finished_at__gte=start)
    return since if end is None else since & Q(finished_at__lt=end)


@dataclass(frozen=True, kw_only=True)
class LookBack:
    """`counted`: spans to be counted row by row, together at most two hours while the rollup keeps
    up. `hours`: the whole hours between them; may be empty."""

    counted: tuple[tuple[datetime, datetime | None], ...]
    hours: range

    @classmethod
    def since(cls, start: datetime) -> LookBack:
        """From `start` to this moment."""
        progress = RollupProgress.objects.first()
        first = hour_of(start - timedelta(microseconds=1)) + 1
        if progress is None or progress.rolled_to <= first:
            return cls(counted=((start, None),), hours=range(0))
        rest = (start_of(progress.rolled_to), None)
        head = ((start, start_of(first)),) if start < start_of(first) else ()
        return cls(counted=(*head, rest), hours=range(first, progress.rolled_to))
