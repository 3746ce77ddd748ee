"""What ended within a look back: whole hours from the rollups, the rest counted as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.stats.calls import CallGroup
from tasks.stats.counted import Span
from tasks.stats.finished import FinishedGroup, LatencyGroup
from tasks.stats.hours import LookBack
from tasks.stats.rolled import rolled_calls, rolled_finished, rolled_latency, rolled_tallies
from tasks.stats.tallies import Tally


@dataclass(frozen=True, kw_only=True)
class Past:
    """Groups may come twice, from the rollups and from the rows: they are parts of one sum."""

    finished: tuple[FinishedGroup, ...]
    latencies: tuple[LatencyGroup, ...]
    calls: tuple[CallGroup, ...]
    tallies: tuple[Tally, ...]


def look_back(owner_id: int | None, since: datetime, bucket_s: int) -> Past:
    """Of the tasks of `owner_id`; of everybody if that is None. Nothing is older than `since`."""
    span = LookBack.since(since)
    finished = rolled_finished(owner_id, span.hours, bucket_s)
    latencies = rolled_latency(owner_id, span.hours)
    tallied = rolled_tallies(owner_id, span.hours)
    for start, end in span.counted:
        counted = Span(start=start, end=end, owner_id=owner_id)
        tallied += counted.tallies()
        finished += counted.finished(bucket_s)
        latencies += counted.latencies(bucket_s)
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
        calls += Span(start=start, end=end, owner_id=owner_id).calls()
    return tuple(calls)
