"""Totals over all attempts at a cost that follows what is new, not what is there.

Everything below the oldest running attempt has ended for good, so it is added up once and
remembered; a look adds what came since, and counts the young rest afresh.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Min, Sum

from tasks.models import Attempt
from tasks.vocabulary import Status

type_key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class AttemptTotals:
    """Attempts and dollars by (provider, outcome). Unpriced attempts add nothing."""

    counts: dict[type_key, int] = field(default_factory=dict)
    costs: dict[type_key, Decimal] = field(default_factory=dict)

    def plus(self, other: AttemptTotals) -> AttemptTotals:
        counts, costs = dict(self.counts), dict(self.costs)
        for key, count in other.counts.items():
            counts[key] = counts.get(key, 0) + count
        for key, cost in other.costs.items():
            costs[key] = costs.get(key, Decimal(0)) + cost
        return AttemptTotals(counts=counts, costs=costs)


class RunningTotals:
    """Remembers, per process, what has settled. Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled = AttemptTotals()
        self._counted_to = 0

    def read(self) -> AttemptTotals:
        """The totals now. Raises: Django's database errors."""
        with self._lock:
            newest = Attempt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            if newest < self._counted_to:  # another database, or an emptied one
                self._settled, self._counted_to = AttemptTotals(), 0
            settled_to = _oldest_running(newest + 1) - 1
            if settled_to > self._counted_to:
                fresh = _sum_between(self._counted_to, settled_to)
                self._settled = self._settled.plus(fresh)
                self._counted_to = settled_to
            return self._settled.plus(_sum_between(self._counted_to, newest))


def _oldest_running(none: int) -> int:
    """The id of the oldest attempt of a task in work; `none` if none is. Bounded by the slots."""
    running = Attempt.objects.filter(task__status=Status.PROCESSING, outcome="")
    oldest: int | None = running.aggregate(oldest=Min("pk"))["oldest"]
    return none if oldest is None else oldest


def _sum_between(above: int, up_to: int) -> AttemptTotals:
    rows = (
        Attempt.objects.filter(pk__gt=above, pk__lte=up_to)
        .order_by()
        .values_list("provider", "outcome")
        .annotate(count=Count("pk"), cost=Sum("cost_usd"))
    )
    counts: dict[type_key, int] = {}
    costs: dict[type_key, Decimal] = {}
    for provider, outcome, count, cost in rows:
        counts[provider, outcome] = count
        if cost is not None:
            costs[provider, outcome] = Decimal(cost)
    return AttemptTotals(counts=counts, costs=costs)
