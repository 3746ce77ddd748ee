"""How a page of tasks is read out of a million, whatever the filter, without reading them all.

Two ways, each good where the other is bad. Where many rows are wanted, a short walk along the index
of the order finds a page of them. If it does not, and they are few, they are found by what they are
filtered by, and sorted; else the walk goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from django.db.models import Max, Q
from django.http import QueryDict

from tasks.api.cursors import OPTIONAL, Ordering, Place
from tasks.index_hints import Unsorted, through_index
from tasks.models import Task
from tasks.models.task import ODD_SOURCES
from tasks.querysets import TaskQuerySet
from tasks.services.selection import FILTER_NAMES, UNINDEXED, TaskFilters

LOOK_THROUGH = 10_000
"""How many tasks a page looks through for what no index knows."""

WALK = 10_000
_FEW = 10_000
_FEW_IN_TIME = 50_000
"""Tasks made one after the other lie side by side: so many are looked through in 20 ms."""

_ORDERS = {
    "created_at": "task_created",
    "updated_at": "task_updated",
    "started_at": "task_started",
    "finished_at": "task_finished",
    "priority": "task_priority_id",
}
BY_TIME = frozenset({"created_after", "created_before"})
_IN_EACH = BY_TIME | {"priority", "priority__gte", "priority__lte"}
_SELECTIVE: dict[str, tuple[str, frozenset[str]]] = {
    "truncated": ("task_truncated", frozenset()),
    "result_source": ("task_odd_source", _IN_EACH | {"result_source"}),
    "batch": ("task_batch", _IN_EACH | {"batch"}),
    "error_code": ("task_trouble", _IN_EACH | {"error_code"}),
    "template": ("task_template", _IN_EACH | {"template"}),
}
"""The index of a filter, and what that can judge without reading the rows."""

_IN_OWNERS = _IN_EACH | {"provider", "model"}
_BY_STATUS = {"task_batch": "task_batch_progress", "task_owner_id": "task_owner_status_id"}


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the rows wanted are found. `index`: by what they are filtered by, for SQLite, which
    would else guess; None: it is clear. `has_order`: does that give them in the order of ids?
    `is_judge`: can it tell which they are, without the rows? `in_state`: all in the states asked
    for, before most other filters. `within`: all tasks of the time asked for, if one is; a walk by
    that time stays there. `easy`: for a filter that no index knows, all that the other filters let
    through. A page looks at LOOK_THROUGH of them and goes on in the next one, so it may have few
    rows, or none. `states`: several, if nothing else is asked for; each has its own order of ids.
    """

    index: str | None = None
    has_order: bool = True
    is_judge: bool = False
    in_state: TaskQuerySet | None = None
    within: TaskQuerySet | None = None
    easy: TaskQuerySet | None = None
    states: Sequence[str] = ()

    @classmethod
    def by(
        cls, criteria: QueryDict, *, is_owner: bool, select: Callable[[QueryDict], TaskQuerySet]
    ) -> Way:
        """criteria: the filters given. is_owner: of one owner's tasks alone. select: the tasks
        that the caller may see and that meet such criteria."""
        name = _selective(criteria)
        index, known = None, frozenset[str]()
        if name is not None:
            index, known = _SELECTIVE[name]
        others = set(criteria) - UNINDEXED - {"status"}
        if is_owner and _IN_OWNERS.issuperset(others) and (others or not criteria):
            index, known = "task_owner_id", _IN_OWNERS
        has_states = "status" in criteria and index in _BY_STATUS
        time = _only(criteria, BY_TIME)
        is_easy = UNINDEXED.isdisjoint(criteria)
        return cls(
            index=index,
            has_order=name != "template" and all(len(some) < 2 for _, some in criteria.lists()),
            is_judge=index is not None and known.issuperset(criteria),
            in_state=select(_only(criteria, {"status", "batch"})) if has_states else None,
            within=cast(TaskQuerySet, TaskFilters(time, queryset=Task.objects.all()).qs)
            if time
            else None,
            easy=None if is_easy else select(_only(criteria, FILTER_NAMES - UNINDEXED)),
            states=criteria.getlist("status") if set(criteria) == {"status"} else (),
        )

    def sorts_well(self, order: Ordering) -> bool:
        """Any number of rows, because the index holds what they are sorted by."""
        if order.field == "id":
            return self.index is not None
        return self.is_judge and order.field in ("created_at", "priority")

    @cached_property
    def narrow_index(self) -> str | None:
        """Where all is found among the few in the states, or in the time, asked for; None: there
        are many."""
        if self.index is None and self.within is not None:
            is_few = _has_at_most(_FEW_IN_TIME, through_index(self.within, "task_created"))
            return "task_created" if is_few else None
        if self.in_state is None or self.index is None:
            return None
        index = _BY_STATUS[self.index]
        return index if _has_at_most(_FEW, through_index(self.in_state, index)) else None

    def find(self, rows: TaskQuerySet) -> TaskQuerySet:
        """The same rows, by what they are filtered by."""
        index = self.narrow_index or self.index
        return rows if index is None else through_index(rows, index)


def _selective(criteria: QueryDict) -> str | None:
    """The filter that an index of its own stands for."""
    if criteria.get("truncated") == "true":
        return "truncated"
    if criteria.get("result_source") in ODD_SOURCES:
        return "result_source"
    return next((one for one in ("batch", "error_code", "template") if one in criteria), None)


def _only(criteria: QueryDict, names: Collection[str]) -> QueryDict:
    kept = criteria.copy()
    for name in set(criteria).difference(names):
        del kept[name]
    return kept


def read_page(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, most: int, way: Way
) -> tuple[list[Task], Place | None]:
    """At most `most` of `rows` beyond `place`, in the direction in which it looks; and, of a page
    that is not full, where it stopped looking; None: there are no more."""
    is_backward = place is not None and place.is_backward
    if ordering.field == "id" and len(way.states) > 1:
        rest = rows if place is None else rows.filter(ordering.beyond(place))
        return _merged(rest, ordering, most, way.states, backward=is_backward), None
    found: list[Task] = []
    for part, order, start in _parts(ordering, place):
        rest = rows.filter(part)
        rest = rest if start is None else rest.filter(order.beyond(start))
        edge = None
        if way.easy is not None:
            easy = way.easy.filter(part)
            edge = _find_edge(easy, order, start, LOOK_THROUGH, backward=is_backward)
        wanted = most - len(found)
        if edge is None:
            found += _read(rest, order, start, wanted, way, backward=is_backward)
        else:
            seen = rest.filter(order.up_to(edge))
            found += _read_to_edge(seen, order, wanted, way, backward=is_backward)
        if len(found) == most:
            break
        if edge is not None:
            return found, edge
    return found, None


def _read(
    rest: TaskQuerySet, order: Ordering, start: Place | None, most: int, way: Way, *, backward: bool
) -> Collection[Task]:
    if order.field == "id" and way.narrow_index is not None:
        return _sorted(rest, order, most, way, backward=backward)
    if order.field == "id" and way.has_order:
        return order.sort(way.find(rest), backward=backward)[:most]
    edge = _edge_of_walk(order, start, way, backward=backward)
    along = through_index(rest, _ORDERS.get(order.field))
    near = along if edge is None else along.filter(order.up_to(edge))
    page = list(order.sort(near, backward=backward)[:most])
    if len(page) == most or edge is None:
        return page
    is_quick = way.narrow_index is not None or way.sorts_well(order)
    if is_quick or _has_at_most(_FEW, way.find(rest)):
        return _sorted(rest, order, most, way, backward=backward)
    return order.sort(along, backward=backward)[:most]


def _read_to_edge(
    rest: TaskQuerySet, order: Ordering, most: int, way: Way, *, backward: bool
) -> Collection[Task]:
    """All that is left is little: no walk has to try whether it finds a page."""
    if order.field == "id":
        return order.sort(way.find(rest), backward=backward)[:most]
    if way.index is not None:
        return _sorted(rest, order, most, way, backward=backward)
    return order.sort(through_index(rest, _ORDERS[order.field]), backward=backward)[:most]


def _has_at_most(most: int, rows: TaskQuerySet) -> bool:
    return rows.order_by().values("pk")[: most + 1].count() <= most


def _sorted(
    rest: TaskQuerySet, order: Ordering, most: int, way: Way, *, backward: bool
) -> TaskQuerySet:
    """Sorted by numbers first: whole rows would be read, and carried through the sort."""
    is_descending = order.is_descending is not backward
    keys = [Unsorted(name) for name in dict.fromkeys((order.field, "id"))]
    sorted_rows = way.find(rest).order_by(*(key.desc() if is_descending else key for key in keys))
    page: TaskQuerySet = rest.model._default_manager.filter(pk__in=sorted_rows.values("pk")[:most])
    page.query.select_related = rest.query.select_related
    return order.sort(page, backward=backward)


def _merged(
    rest: TaskQuerySet, order: Ordering, most: int, states: Sequence[str], *, backward: bool
) -> list[Task]:
    """Of as many of each state as there may be on the page, those that come first."""
    found = [
        task
        for state in set(states)
        for task in order.sort(rest.filter(status=state), backward=backward)[:most]
    ]
    is_descending = order.is_descending is not backward
    return sorted(found, key=lambda task: task.pk, reverse=is_descending)[:most]


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
        return _find_edge(everything, order, start, WALK, backward=backward)
    is_falling = order.is_descending is not backward
    if start is not None:
        first = start.pk
    else:
        first = (Task.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1 if is_falling else 0
    last = first - WALK if is_falling else first + WALK
    return Place(value=None, pk=max(0, last), is_backward=backward)


def _parts(ordering: Ordering, place: Place | None) -> Iterator[tuple[Q, Ordering, Place | None]]:
    """What is read one after the other: which rows, their order, and the place to begin at.

    Rows with a value and rows without are read apart, for no index has the order of both.
    """
    if ordering.field not in OPTIONAL:
        yield Q(), ordering, place
        return
    kinds = [True, False]
    if place is not None:
        kinds = kinds[::-1] if place.is_backward else kinds
        kinds = kinds[kinds.index(place.value is not None) :]
    for has_value in kinds:
        by_id = Ordering(field="id", is_descending=ordering.is_descending)
        part = Q(**{f"{ordering.field}__isnull": not has_value})
        yield part, ordering if has_value else by_id, place
        place = None


def _find_edge(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, count: int, *, backward: bool
) -> Place | None:
    """Where `count` of `rows` end, seen from `place` on; None: there are fewer."""
    rest = rows if place is None else rows.filter(ordering.beyond(place))
    last = ordering.sort(rest, backward=backward)
    for task in last.only("pk", ordering.field)[count - 1 : count]:
        return ordering.place_of(task, is_backward=backward)
    return None
