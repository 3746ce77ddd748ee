"""A part of the list that is read in one go: where it begins, and how far a look at it goes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import RawSQL

from tasks.api.cursors import Ordering, Place
from tasks.api.shelves import EVERYTHING, Shelf, Wanted
from tasks.models import Task
from tasks.querysets import TaskQuerySet
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is read in one go: of `rows`, all that are `wanted`, those beyond `start` in `order`."""

    rows: TaskQuerySet
    wanted: Wanted
    order: Ordering
    start: Place | None
    is_backward: bool

    @property
    def is_falling(self) -> bool:
        return self.order.is_descending is not self.is_backward

    def sort(self, rows: TaskQuerySet) -> TaskQuerySet:
        return self.order.sort(rows, backward=self.is_backward)

    def edge_of(self, shelf: Shelf, count: int) -> Place | None:
        """Where so many tasks of a shelf end, wanted or not; None: there are fewer."""
        if shelf is EVERYTHING and self.order.field == "id":
            return self._edge_of_ids(count)
        rest = shelf.find(shelf.rows)
        rest = rest if self.start is None else rest.filter(self.order.beyond(self.start))
        for task in self.sort(rest).only("pk", self.order.field)[count - 1 : count]:
            return self.order.place_of(task, is_backward=self.is_backward)
        return None

    @property
    def rest(self) -> TaskQuerySet:
        return self.rows if self.start is None else self.rows.filter(self.order.beyond(self.start))

    def up_to(self, edge: Place | None) -> TaskQuerySet:
        """The rest as far as there."""
        if edge is None:
            return self.rest
        first = self._first_value if self.start is None else self.start.value
        if edge.value is None or edge.value != first:
            return self.rest.filter(self.order.up_to(edge))
        # SQLite would pass all that are equal, had it not this narrower bound.
        by_id = Ordering(field="id", is_descending=self.order.is_descending)
        equal = self.rows.filter(**{self.order.field: edge.value}).filter(by_id.up_to(edge))
        return equal if self.start is None else equal.filter(by_id.beyond(self.start))

    def load(self, keys: QuerySet[Any, Any] | RawSQL) -> list[Task]:
        """The tasks of these keys. Keys come first: whole rows would be joined, and carried along,
        long before it is known which are wanted."""
        page: TaskQuerySet = Task.objects.filter(pk__in=keys)
        page.query.select_related = self.rows.query.select_related
        return list(self.sort(page))

    def nearest(self, edges: Collection[Place]) -> Place:
        """Of places by id."""
        find = max if self.is_falling else min
        return find(edges, key=lambda edge: edge.pk)

    @property
    def _first_value(self) -> int | None:
        """Where this order begins, if that is known: nothing goes before it."""
        if self.order.field != "priority":
            return None
        return MAX_PRIORITY if self.is_falling else MIN_PRIORITY

    def _edge_of_ids(self, count: int) -> Place | None:
        """There are no more tasks than numbers, and none beyond the oldest and the newest."""
        ends = Task.objects.aggregate(newest=Max("pk")) | Task.objects.aggregate(oldest=Min("pk"))
        newest, oldest = ends["newest"] or 0, ends["oldest"] or 0
        if self.is_falling:
            last = min(newest + 1, newest + 1 if self.start is None else self.start.pk) - count
        else:
            last = max(oldest - 1, 0 if self.start is None else self.start.pk) + count
        if not oldest < last < newest:
            return None
        return Place(value=None, pk=last, is_backward=self.is_backward)
