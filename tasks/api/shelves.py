"""What the indexes can find of the tasks that a list asks for: shelves, each with some of the
filters in common. How a page is read from them stands in `tasks.api.reading`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

from django.http import QueryDict

from tasks.api.cursors import OPTIONAL, Ordering
from tasks.index_hints import through_index
from tasks.models import Task
from tasks.models.task_indexes import ODD_SOURCES
from tasks.querysets import TaskQuerySet
from tasks.services.selection import UNINDEXED, TaskFilters, template_versions
from tasks.vocabulary import Status

FEW = 8_000
"""So many tasks are looked through in 20 ms, wherever they lie."""

FEW_IN_TIME = 20_000
"""So many as well, if they were made one after the other, as those of a time and those of the
queue: they lie side by side."""

ORDERS = {
    "created_at": "task_created",
    "updated_at": "task_updated",
    "started_at": "task_started",
    "finished_at": "task_finished",
    "priority": "task_priority_id",
}
BY_TIME = frozenset({"created_after", "created_before"})
_IN_EACH = BY_TIME | {"owner"} | {"priority", "priority__gte", "priority__lte"}
_IN_OWNERS = _IN_EACH | {"provider", "model"}
_FILTERS_OF = {
    "created_at": BY_TIME,
    "priority": frozenset({"priority", "priority__gte", "priority__lte"}),
}
"""The filters that bound a walk in this order."""

_WITHIN = frozenset({"updated_at", "started_at", "finished_at"})
"""Orders in which a batch, and what a template made, has an index of its own."""

_LIVE = [state.value for state in Status if not state.is_terminal]


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Tasks that have some of what is asked for, and that one index finds. `index`: None means by
    their ids alone. `names`: the filters that all of them meet. `has_order`: are they found in the
    order of ids? `known`: what else the index can judge without reading the rows; then it holds
    priority and time of creation to sort by, too.
    """

    rows: TaskQuerySet
    index: str | None
    names: frozenset[str] = frozenset()
    has_order: bool = True
    known: frozenset[str] | None = None
    is_in_time: bool = False

    @property
    def few(self) -> int:
        return FEW_IN_TIME if self.is_in_time else FEW

    def find(self, rows: TaskQuerySet) -> TaskQuerySet:
        """The same rows, found here."""
        return through_index(rows, self.index)

    def has_at_most(self, most: int) -> bool:
        rows = self.find(self.rows).order_by().values_list("pk")
        return not rows[most : most + 1]  # passing so many costs less than counting them


EVERYTHING = Shelf(rows=Task.objects.all(), index=None)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for. `criteria`: the filters. `owner_id`: whose tasks alone; None: anybody's.
    `blank`: a column that has no value."""

    criteria: QueryDict = field(default_factory=lambda: QueryDict(""))
    owner_id: int | None = None
    blank: str = ""

    @property
    def is_hard(self) -> bool:
        """Does no index know a part of it, so that each task has to be read, and judged dearly?"""
        return not UNINDEXED.isdisjoint(self.criteria)

    @property
    def names(self) -> set[str]:
        """What each task on the list must meet: filters, and its owner and what it lacks."""
        own = [] if self.owner_id is None else ["owner"]
        return {*self.criteria, *own, *filter(None, [self.blank])}

    @property
    def apart(self) -> list[str] | None:
        """The states to be read one by one, each for itself; None: all at once.

        A task has ended exactly if it says when: `moves` and `settle` write both in one statement.
        """
        asked = sorted(set(self.criteria.getlist("status")))
        if self.blank == "finished_at" and len(self.criteria.getlist("status")) != 1:
            return [state for state in _LIVE if not asked or state in asked]
        return asked if len(asked) > 1 else None

    def of_state(self, state: str) -> Wanted:
        narrowed = self.criteria.copy()
        narrowed.setlist("status", [state])
        return replace(self, criteria=narrowed)

    @cached_property
    def shelves(self) -> list[Shelf]:
        """None, if all tasks are wanted."""
        return list(self._shelves())

    @cached_property
    def whole(self) -> Shelf | None:
        """A shelf with what is asked for and nothing else, in the order of ids."""
        shelves = [*self.shelves, EVERYTHING]
        return next((one for one in shelves if one.has_order and one.names == self.names), None)

    @cached_property
    def small(self) -> Shelf | None:
        """A shelf with few tasks: it is quick to read them all."""
        return next((one for one in self.shelves if one.has_at_most(one.few)), None)

    @cached_property
    def judge(self) -> Shelf | None:
        """A shelf whose index knows which of its tasks are wanted, and whose they are."""
        return next(
            (
                one
                for one in self.shelves
                if one.known is not None and one.names | one.known >= self.names
            ),
            None,
        )

    def along(self, order: Ordering) -> Shelf:
        """Where tasks are found in this order, which is not that of ids. All that are wanted and
        have a value are there."""
        names, index = _FILTERS_OF.get(order.field, frozenset()), ORDERS[order.field]
        for name in ("batch", "template"):
            if order.field in _WITHIN and self._is_one(name):
                names, index = frozenset({name}), f"task_{name}_{order.field}"
        names = names.intersection(self.criteria)
        shelf = Shelf(rows=self._with(names), index=index, names=names)
        if order.field in OPTIONAL:
            has_value = {f"{order.field}__isnull": False}
            shelf = replace(shelf, rows=shelf.rows.filter(**has_value))
        return shelf

    def _shelves(self) -> Iterator[Shelf]:
        if self.blank == "started_at":
            rows = Task.objects.filter(started_at__isnull=True)
            yield Shelf(rows=rows, index="task_unstarted", names=frozenset({self.blank}))
        if self.owner_id is not None:
            yield self._owners()
            if "status" in self.criteria:
                yield self._owners("status", index="task_owner_status_id")
        if self._is_one("truncated") and self.criteria["truncated"] == "true":
            yield self._shelf("truncated", index="task_truncated")
        if self.criteria.get("result_source") in ODD_SOURCES:
            yield self._shelf("result_source", index="task_odd_source", known=_IN_EACH)
        for name in ("batch", "template"):
            if name in self.criteria:
                yield self._shelf(name, index=f"task_{name}", known=_IN_EACH | {"status"})
        if "error_code" in self.criteria:
            yield self._shelf("error_code", index="task_trouble", known=_IN_EACH)
        for name in ("model", "provider", "status", "priority"):
            if name in self.criteria:
                yield self._shelf(name, index=f"task_{name}_id")
        if {"provider", "status"} <= set(self.criteria):
            yield self._shelf("provider", "status", index="task_provider_status_id")
        if {"batch", "status"} <= set(self.criteria):
            shelf = self._shelf("batch", "status", index="task_batch_progress")
            yield replace(shelf, has_order=False)
        if times := BY_TIME.intersection(self.criteria):
            shelf = self._shelf(*times, index="task_created")
            yield replace(shelf, has_order=False, is_in_time=True)

    def _shelf(self, *names: str, index: str, known: frozenset[str] | None = None) -> Shelf:
        return Shelf(
            rows=self._with(names),
            index=index,
            names=frozenset(names),
            has_order=all(self._is_one(name) for name in names),
            known=known,
            is_in_time=names == ("status",) and set(self.criteria.getlist("status")) <= set(_LIVE),
        )

    def _owners(self, *names: str, index: str = "task_owner_id") -> Shelf:
        known = None if names else _IN_OWNERS
        shelf = self._shelf(*names, index=index, known=known)
        rows = shelf.rows.filter(owner_id=self.owner_id)
        return replace(shelf, rows=rows, names=shelf.names | {"owner"})

    def _is_one(self, name: str) -> bool:
        """Is it one value of the index?"""
        values = self.criteria.getlist(name)
        if name == "template" and values:
            return len(template_versions(values[0])) == 1
        return len(values) == 1

    def _with(self, names: Collection[str]) -> TaskQuerySet:
        """All tasks that meet these filters alone."""
        kept = self.criteria.copy()
        for name in set(kept).difference(names):
            del kept[name]
        return cast(TaskQuerySet, TaskFilters(kept, queryset=Task.objects.all()).qs)
