"""When which hours are added up, so that the rollups tell what the tables would.

The last hours are done anew at each run, for tasks settle late. What is older is compared by its
counts, a day at a time, and done anew where tasks were retried or deleted since. Hours that the
retention reaches into are left alone: there the rollups know more than the tables.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Sum

from tasks.conf import get_conf
from tasks.models import EndedHour, RollupProgress, Task, TaskBlock
from tasks.querysets import TaskQuerySet, database_now
from tasks.stats.blocks import count_blocks
from tasks.stats.expressions import EpochBucket
from tasks.stats.hour_rows import write_hours
from tasks.stats.hours import HOUR_S, HOURS_A_DAY, ended_between, hour_of, start_of
from tasks.stats.tables import ALL

ROLL_EVERY_S = 60.0
_KEPT_DAYS = 32  # a little more than the longest look back
KEPT_HOURS = HOURS_A_DAY * _KEPT_DAYS
_LATE = timedelta(minutes=2)
_HOURS_DONE_ANEW = 2
_AT_ONCE = 24


def roll_up() -> None:
    """Bring the rollups up to the last hour that is over, mend a day of the past, forget what is
    older than anybody looks back."""
    now = database_now()
    over = hour_of(now - _LATE)
    progress = RollupProgress.objects.first()
    rolled_to = progress.rolled_to if progress else 0
    _roll(range(max(over - KEPT_HOURS, min(rolled_to, over - _HOURS_DONE_ANEW)), over))
    _mend(now, over - _HOURS_DONE_ANEW)
    for rollup in ALL:
        rollup.hours._default_manager.filter(hour__lt=over - KEPT_HOURS).delete()
        rollup.days._default_manager.filter(day__lt=(over - KEPT_HOURS) // HOURS_A_DAY).delete()
    count_blocks(now)


def rebuild() -> int:
    """Do all hours anew that still have all their tasks, and the count of tasks. Returns how many
    hours those are."""
    now = database_now()
    over = hour_of(now - _LATE)
    hours = range(max(over - KEPT_HOURS, _first_whole_hour(now)), over)
    _roll(hours)
    TaskBlock.objects.all().delete()
    count_blocks(now)
    return len(hours)


def _roll(hours: range) -> None:
    for first in range(hours.start, hours.stop, _AT_ONCE):
        write_hours(range(first, min(hours.stop, first + _AT_ONCE)))
    RollupProgress.objects.filter(rolled_to__lt=hours.stop).update(rolled_to=hours.stop)


def _first_whole_hour(now: datetime) -> int:
    """The first hour that the retention has not reached into."""
    days = get_conf().retention_days
    return 0 if days is None else hour_of(now - timedelta(days=days)) + 1


def _mend(now: datetime, up_to: int) -> None:
    """One of the days that are kept, by turns: each has its turn about twice an hour."""
    turn = int(now.timestamp() // ROLL_EVERY_S) % (_KEPT_DAYS + 1)
    # Whole days of the calendar, not days back from now: those would move on between two turns,
    # and an hour at their edge would be in neither.
    day = up_to // HOURS_A_DAY - turn
    first = max(day * HOURS_A_DAY, up_to - KEPT_HOURS, _first_whole_hour(now))
    for hour in _changed(range(first, min(up_to, (day + 1) * HOURS_A_DAY))):
        write_hours(range(hour, hour + 1))


def _changed(hours: range) -> list[int]:
    """Hours whose tasks are not as many as the rollup says."""
    if not hours:
        return []
    rolled = EndedHour.objects.filter(
        owner__isnull=True, hour__gte=hours.start, hour__lt=hours.stop
    )
    noted = dict(rolled.order_by().values_list("hour").annotate(n=Sum("count")))
    within = ended_between(start_of(hours.start), start_of(hours.stop))
    ended: TaskQuerySet = Task.objects.filter(within).order_by()
    counted = ended.annotate(hour=EpochBucket("finished_at", width_s=HOUR_S))
    found = dict(counted.values_list("hour").annotate(n=Count("pk")))
    return [hour for hour in hours if noted.get(hour, 0) != found.get(hour, 0)]
