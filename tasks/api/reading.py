"""How a page of tasks is read out of a million, whatever the filter, without reading them all."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from tasks.api.cursors import OPTIONAL, Ordering, Place
from tasks.index_hints import through_index
from tasks.models import Task
from tasks.querysets import TaskQuerySet

LOOK_THROUGH = 10_000
"""How many tasks a page looks through for what no index knows."""

_FEW = 10_000
_INDEXES = {
    "created_at": "task_created",
    "updated_at": "task_updated",
    "started_at": "task_started",
    "finished_at": "task_finished",
    "priority": "task_priority_id",
}


def read_page(rows: TaskQuerySet, ordering: Ordering, place: Place | None, most: int) -> list[Task]:
    """At most `most` of `rows` beyond `place`, in the direction in which it looks."""
    is_backward = place is not None and place.is_backward
    found: list[Task] = []
    for part, order, start in _parts(rows, ordering, place):
        if len(found) < most:
            rest = part if start is None else part.filter(order.beyond(start))
            found += order.sort(_in_order(rest, order), backward=is_backward)[: most - len(found)]
    return found


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


def find_edge(easy: TaskQuerySet, ordering: Ordering, place: Place | None) -> Place | None:
    """Where a page ends that looks through LOOK_THROUGH of `easy`; None: there are fewer."""
    is_backward = place is not None and place.is_backward
    rest = easy if place is None else easy.filter(ordering.beyond(place))
    last = ordering.sort(_in_order(rest, ordering), backward=is_backward)
    for task in last.only("pk", ordering.field)[LOOK_THROUGH - 1 : LOOK_THROUGH]:
        return ordering.place_of(task, is_backward=is_backward)
    return None


def _in_order(rows: TaskQuerySet, ordering: Ordering) -> TaskQuerySet:
    """For SQLite, which would rather sort a hundred thousand rows than read them in order. Where
    there are few it may."""
    if connection.vendor != "sqlite" or ordering.field not in _INDEXES:
        return rows
    return rows if _is_few(rows) else through_index(rows, _INDEXES[ordering.field])


def without_sorting(rows: TaskQuerySet) -> TaskQuerySet:
    """The same for rows of several states or providers in the order of their ids: an index has
    each one's in that order, and not all of them."""
    if connection.vendor != "sqlite" or _is_few(rows):
        return rows
    return through_index(rows, None)


def _is_few(rows: TaskQuerySet) -> bool:
    return len(rows.order_by().values_list("pk", flat=True)[: _FEW + 1]) <= _FEW
