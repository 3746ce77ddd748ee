"""How a page of tasks is read out of a million, whatever the filter, without reading them all.

Two ways, each good where the other is bad. Where many rows are wanted, a short walk along the index
of the order finds a page of them. If it does not, and they are few, they are found by what they are
filtered by, and sorted; else the walk goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Max
from django.db.models.functions import Greatest

from tasks.api.cursors import OPTIONAL, Ordering, Place
from tasks.index_hints import through_index
from tasks.models import Task
from tasks.models.task import ODD_SOURCES
from tasks.querysets import TaskQuerySet

LOOK_THROUGH = 10_000
"""How many tasks a page looks through for what no index knows."""

WALK = 4_000
_FEW = 10_000

_ORDERS = {
    "created_at": "task_created",
    "updated_at": "task_updated",
    "started_at": "task_started",
    "finished_at": "task_finished",
    "priority": "task_priority_id",
}
_SELECTIVE = {
    "batch": "task_batch",
    "error_code": "task_trouble",
    "template": "task_template",
}
_OF_OWNER = frozenset(
    {"provider", "model", "priority", "priority__gte", "priority__lte"}
    | {"created_after", "created_before"}
)
"""Filters that the index of an owner's tasks can judge without reading the rows."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the rows wanted are found. `index`: by what they are filtered by, for SQLite, which
    would else guess; None: it is clear. `has_order`: does that give them in the order of ids?
    `within`: all tasks of the time asked for, in which a walk by that time stays."""

    index: str | None = None
    has_order: bool = True
    within: TaskQuerySet | None = None

    @classmethod
    def by(cls, criteria: Any, *, is_owner: bool, within: TaskQuerySet) -> Way:
        """criteria: the filters given, a QueryDict. is_owner: of one owner's tasks alone."""
        has_several = any(len(values) > 1 for _, values in criteria.lists())
        index = next((_SELECTIVE[name] for name in criteria if name in _SELECTIVE), None)
        if criteria.get("truncated") == "true":
            index = "task_truncated"
        elif criteria.get("result_source") in ODD_SOURCES:
            index = "task_odd_source"
        elif index is None and is_owner and _OF_OWNER.issuperset(criteria):
            return cls(index="task_owner_id", within=within)
        has_order = not has_several and "template" not in criteria
        return cls(index=index, has_order=has_order, within=within)

    def sorts_well(self, order: Ordering) -> bool:
        """Any number of rows, because the index holds what they are sorted by."""
        if order.field == "id":
            return self.index is not None
        return self.index == "task_owner_id" and order.field in ("created_at", "priority")


def read_page(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, most: int, way: Way
) -> list[Task]:
    """At most `most` of `rows` beyond `place`, in the direction in which it looks."""
    is_backward = place is not None and place.is_backward
    found: list[Task] = []
    for part, order, start in _parts(rows, ordering, place):
        if len(found) < most:
            rest = part if start is None else part.filter(order.beyond(start))
            found += _read(rest, order, start, most - len(found), way, backward=is_backward)
    return found


def _read(
    rest: TaskQuerySet, order: Ordering, start: Place | None, most: int, way: Way, *, backward: bool
) -> Collection[Task]:
    if order.field == "id" and way.has_order:
        found = rest if way.index is None else through_index(rest, way.index)
        return order.sort(found, backward=backward)[:most]
    edge = _edge_of_walk(order, start, way, backward=backward)
    along = through_index(rest, _ORDERS.get(order.field))
    near = along if edge is None else along.filter(order.up_to(edge))
    page = list(order.sort(near, backward=backward)[:most])
    if len(page) == most or edge is None:
        return page
    if way.sorts_well(order) or _is_few(rest, way):
        return _sorted(rest, order, most, way, backward=backward)
    return order.sort(along, backward=backward)[:most]


def _is_few(rest: TaskQuerySet, way: Way) -> bool:
    found = rest if way.index is None else through_index(rest, way.index)
    return len(found.order_by().values_list("pk", flat=True)[: _FEW + 1]) <= _FEW


def _sorted(
    rest: TaskQuerySet, order: Ordering, most: int, way: Way, *, backward: bool
) -> TaskQuerySet:
    """Sorted by numbers first: whole rows would be read, and carried through the sort."""
    found = rest if way.index is None else through_index(rest, way.index)
    is_descending = order.is_descending is not backward
    # The greater of a value and itself, which no index is in the order of.
    keys = [Greatest(F(name), F(name)) for name in dict.fromkeys((order.field, "id"))]
    numbers = found.order_by(*(key.desc() if is_descending else key for key in keys)).values("pk")
    page: TaskQuerySet = rest.model._default_manager.filter(pk__in=numbers[:most])
    page.query.select_related = rest.query.select_related
    return order.sort(page, backward=backward)


def _edge_of_walk(
    order: Ordering, start: Place | None, way: Way, *, backward: bool
) -> Place | None:
    """Where a walk of WALK tasks ends, whatever they are; None: there are fewer."""
    everything: TaskQuerySet = Task.objects.all()
    if order.field != "id":
        if order.field == "created_at" and way.within is not None:
            everything = way.within
        if order.field in OPTIONAL:
            everything = everything.filter(**{f"{order.field}__isnull": False})
        everything = through_index(everything, _ORDERS[order.field])
        return find_edge(everything, order, start, WALK, backward=backward)
    is_falling = order.is_descending is not backward
    if start is not None:
        first = start.pk
    else:
        first = (Task.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1 if is_falling else 0
    last = first - WALK if is_falling else first + WALK
    return Place(value=None, pk=max(0, last), is_backward=backward)


def _parts(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None
) -> Iterator[tuple[TaskQuerySet, Ordering, Place | None]]:
    """What is read one after the other: rows, their order, and the place to begin at.

    Rows with a value and rows without are read apart, for no index has the order of both.
    """
    if ordering.field not in OPTIONAL:
        yield rows, ordering, place
        return
    kinds = [True, False]
    if place is not None:
        kinds = kinds[::-1] if place.is_backward else kinds
        kinds = kinds[kinds.index(place.value is not None) :]
    for has_value in kinds:
        by_id = Ordering(field="id", is_descending=ordering.is_descending)
        part = rows.filter(**{f"{ordering.field}__isnull": not has_value})
        yield part, ordering if has_value else by_id, place
        place = None


def find_edge(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, count: int, *, backward: bool
) -> Place | None:
    """Where `count` of `rows` end, seen from `place` on; None: there are fewer."""
    rest = rows if place is None else rows.filter(ordering.beyond(place))
    last = ordering.sort(rest, backward=backward)
    for task in last.only("pk", ordering.field)[count - 1 : count]:
        return ordering.place_of(task, is_backward=backward)
    return None
