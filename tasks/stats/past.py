"""What ended within a look back: whole hours from the rollups, the rest counted as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.querysets import TaskQuerySet
from tasks.stats.calls import CallGroup, call_groups, ended_calls
from tasks.stats.finished import FinishedGroup, LatencyGroup, finished_groups, latency_groups
from tasks.stats.hours import HOUR_S, LookBack, ended_between, ended_tasks
from tasks.stats.rolled import rolled_calls, rolled_finished, rolled_latency, rolled_tallies
from tasks.stats.tallies import Tally, tallies


@dataclass(frozen=True, kw_only=True)
class Past:
    """Groups may come twice, from the rollups and from the rows: they are parts of one sum."""

    finished: tuple[FinishedGroup, ...]
    latencies: tuple[LatencyGroup, ...]
    calls: tuple[CallGroup, ...]
    tallies: tuple[Tally, ...]


def look_back(tasks: TaskQuerySet, owner_id: int | None, since: datetime, bucket_s: int) -> Past:
    """tasks: those of `owner_id`; of everybody if that is None. Nothing is older than `since`."""
    span = LookBack.since(since)
    finished = rolled_finished(owner_id, span.hours, bucket_s)
    latencies = rolled_latency(owner_id, span.hours)
    tallied = rolled_tallies(owner_id, span.hours)
    for start, end in span.counted:
        ended = ended_tasks(tasks, start, end)
        tallied += tallies(ended, bucket_s)
        finished += finished_groups(ended, bucket_s)
        latencies += latency_groups(ended, bucket_s)
    return Past(
        finished=tuple(finished),
        latencies=tuple(latencies),
        calls=look_back_at_calls(owner_id, span),
        tallies=tuple(tallied),
    )


def look_back_at_calls(owner_id: int | None, span: LookBack) -> tuple[CallGroup, ...]:
    """The provider calls alone, of one owner or of everybody."""
    calls = rolled_calls(owner_id, span.hours)
    for start, end in span.counted:
        ended = ended_calls(ended_between(start, end))
        if owner_id is not None:
            ended = ended.filter(task__owner_id=owner_id)
        calls += call_groups(ended, HOUR_S)
    return tuple(calls)
