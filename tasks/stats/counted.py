"""What ended in a span, counted as it stands, by queries whose SQL is written once.

Writing the SQL costs as much as the database takes to count the two hours of a look back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from tasks.models import Task
from tasks.prepared import Prepared
from tasks.querysets import TaskQuerySet
from tasks.stats.calls import CallGroup, ended_calls, read_calls, select_calls
from tasks.stats.finished import (
    FinishedGroup,
    LatencyGroup,
    read_finished,
    read_latencies,
    select_durations,
    select_finished,
)
from tasks.stats.hours import HOUR_S, ended_between, ended_tasks
from tasks.stats.tallies import KINDS, Tally, read_tallies, select_tallies


@dataclass(frozen=True, kw_only=True)
class Span:
    """Ended from `start` on and before `end`; None is open. owner_id: whose; None: everybody's."""

    start: datetime
    end: datetime | None
    owner_id: int | None

    def finished(self, bucket_s: int) -> list[FinishedGroup]:
        return read_finished(self._query(_select_finished, bucket_s)(*self._values))

    def latencies(self, bucket_s: int) -> list[LatencyGroup]:
        return read_latencies(self._query(_select_durations, bucket_s).iterate(*self._values))

    def tallies(self) -> list[Tally]:
        """In buckets of no meaning: they are only summed."""
        return [
            tally
            for kind in KINDS
            for tally in read_tallies(kind, self._query(_select_tallies, kind)(*self._values))
        ]

    def calls(self) -> list[CallGroup]:
        """As `tallies`."""
        return read_calls(self._query(_select_calls, HOUR_S)(*self._values))

    @property
    def _values(self) -> list[datetime | int]:
        return [value for value in (self.start, self.end, self.owner_id) if value is not None]

    def _query(self, select: Select, what: int | str) -> Prepared[Any]:
        return _prepared(select, what, is_open=self.end is None, is_owned=self.owner_id is not None)


Select = Callable[[Span, Any], QuerySet[Any, Any]]


@functools.cache  # as many as there are widths of a bar and kinds of readers
def _prepared(select: Select, what: int | str, *, is_open: bool, is_owned: bool) -> Prepared[Any]:
    def build(start: datetime, *values: Any) -> QuerySet[Any, Any]:
        rest = list(values)
        end = None if is_open else rest.pop(0)
        owner_id = rest.pop(0) if is_owned else None
        return select(Span(start=start, end=end, owner_id=owner_id), what)

    return Prepared(build)


def _select_finished(span: Span, bucket_s: int) -> QuerySet[Any, Any]:
    return select_finished(_tasks(span), bucket_s)


def _select_durations(span: Span, bucket_s: int) -> QuerySet[Any, Any]:
    return select_durations(_tasks(span), bucket_s)


def _select_tallies(span: Span, kind: str) -> QuerySet[Any, Any]:
    return select_tallies(_tasks(span), HOUR_S, kind)


def _select_calls(span: Span, bucket_s: int) -> QuerySet[Any, Any]:
    calls = ended_calls(ended_between(span.start, span.end))
    own = calls if span.owner_id is None else calls.filter(task__owner_id=span.owner_id)
    return select_calls(own, bucket_s)


def _tasks(span: Span) -> TaskQuerySet:
    tasks: TaskQuerySet = Task.objects.all()
    own = tasks if span.owner_id is None else tasks.filter(owner_id=span.owner_id)
    return ended_tasks(own, span.start, span.end)
