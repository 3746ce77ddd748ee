"""How a page of tasks is read out of a million, whatever the filter, without reading them all.

Where something that is asked for has few tasks, those are read, and sorted. Else a walk in the
order asked for finds a page of them soon, or it ends after so many tasks: the page then is short,
and the next one goes on there. What the indexes hold stands in `tasks.api.shelves`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.api.cursors import OPTIONAL, Ordering, Place
from tasks.api.parts import Part
from tasks.api.shelves import EVERYTHING, Shelf, Wanted
from tasks.index_hints import Unsorted, first_of
from tasks.models import Task
from tasks.querysets import TaskQuerySet

LOOK_THROUGH = 10_000
"""How many tasks a page looks through for what no index knows."""

WALK = 5_000
"""How many tasks a walk passes before another way is tried."""

FAR = {"priority": 2_500}
"""How many more it passes if there is none; in other orders than these _FAR. Tasks of one priority
lie far from each other."""

_FAR = 10_000

MANY = 120_000
"""So many are judged, and sorted, in 30 ms by what their index holds."""

BY_ID = 20_000
"""So many rows that lie one behind the other are looked through in 20 ms."""


Found = tuple[list[Task], Place | None]
"""Tasks, and of fewer than were asked for the place where looking stopped; None: that is all."""


def read_page(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, most: int, wanted: Wanted
) -> Found:
    """At most `most` of `rows`, which are those `wanted`, beyond `place`, in the direction in
    which it looks."""
    found: list[Task] = []
    for part in _parts(rows, ordering, place, wanted):
        read = _by_id if part.order.field == "id" else _by_value
        more, edge = read(part, most - len(found))
        found += more
        if len(found) == most or edge is not None:
            return found, edge
    return found, None


def _parts(
    rows: TaskQuerySet, ordering: Ordering, place: Place | None, wanted: Wanted
) -> Iterator[Part]:
    """What is read one after the other. Rows with a value and rows without are read apart, for no
    index has the order of both."""
    if ordering.field not in OPTIONAL:
        yield _part(rows, ordering, place, wanted, place)
        return
    kinds = [True, False]
    if place is not None:
        kinds = kinds[::-1] if place.is_backward else kinds
        kinds = kinds[kinds.index(place.value is not None) :]
    start = place
    for has_value in kinds:
        order = (
            ordering if has_value else Ordering(field="id", is_descending=ordering.is_descending)
        )
        without = wanted if has_value else replace(wanted, blank=ordering.field)
        of_kind = rows.filter(**{f"{ordering.field}__isnull": not has_value})
        yield _part(of_kind, order, start, without, place)
        start = None


def _part(
    rows: TaskQuerySet, order: Ordering, start: Place | None, wanted: Wanted, place: Place | None
) -> Part:
    return Part(
        rows=rows,
        wanted=wanted,
        order=order,
        start=start,
        is_backward=place is not None and place.is_backward,
    )


def _by_id(part: Part, most: int) -> Found:
    states = part.wanted.apart
    if states is not None:
        return _merged(part, most, states)
    wanted = part.wanted
    if wanted.whole is not None:
        return list(part.sort(wanted.whole.find(part.rest))[:most]), None
    if wanted.small is not None:
        return _from_few(part, most, wanted.small)
    shelf, edge = _sparsest(part)
    page = part.load(part.sort(shelf.find(part.up_to(edge))).values("pk")[:most])
    if len(page) == most or edge is None:
        return page, None
    if wanted.judge is not None and wanted.judge.has_at_most(MANY):
        return _sorted(part, most, wanted.judge), None
    return page, edge


def _sparsest(part: Part) -> tuple[Shelf, Place | None]:
    """Where a walk by ids of so many tasks comes farthest, and how far; None: to the end."""
    is_hard = part.wanted.is_hard
    best, edge = EVERYTHING, part.edge_of(EVERYTHING, LOOK_THROUGH if is_hard else BY_ID)
    for shelf in part.wanted.shelves:
        if edge is None:
            break
        if shelf.has_order:
            its = part.edge_of(shelf, LOOK_THROUGH if is_hard else WALK)
            if its is None or part.nearest([its, edge]) is edge:
                best, edge = shelf, its
    return best, edge


def _merged(part: Part, most: int, states: Sequence[str]) -> Found:
    """Each state has its own order of ids: of as many of each as there may be on the page, those
    that come first, as far as all were looked through."""
    found: list[Task] = []
    edges: list[Place] = []
    for state in states:
        rows = part.rows.filter(status=state)
        more, edge = _by_id(replace(part, rows=rows, wanted=part.wanted.of_state(state)), most)
        found += more
        edges += [] if edge is None else [edge]
    is_falling = part.is_falling
    found.sort(key=lambda task: task.pk, reverse=is_falling)
    if not edges:
        return found[:most], None
    edge = part.nearest(edges)
    seen = [task for task in found if (task.pk >= edge.pk if is_falling else task.pk <= edge.pk)]
    return (seen[:most], None) if len(seen) >= most else (seen, edge)


def _by_value(part: Part, most: int) -> Found:
    wanted = part.wanted
    along = wanted.along(part.order)
    if along.names == wanted.names:
        return list(part.sort(along.find(part.rest))[:most]), None
    if wanted.small is not None:
        return _sorted(part, most, wanted.small), None
    judge = wanted.judge if part.order.field in ("created_at", "priority") else None
    if judge is not None and judge.names.isdisjoint({"owner"}) and judge.has_at_most(MANY):
        return _sorted(part, most, judge), None
    walk = WALK if judge is None else WALK // 4
    page, edge = _walk(part, most, along, LOOK_THROUGH if wanted.is_hard else walk)
    if edge is None or wanted.is_hard:
        return page, edge
    if judge is not None and judge.has_at_most(MANY):
        return _sorted(part, most, judge), None
    on = replace(edge, is_backward=part.is_backward)
    rest = replace(part, start=on)
    more, edge = _walk(rest, most - len(page), along, FAR.get(part.order.field, _FAR))
    return page + more, edge


def _walk(part: Part, most: int, along: Shelf, count: int) -> Found:
    edge = part.edge_of(along, count)
    page = part.load(part.sort(along.find(part.up_to(edge))).values("pk")[:most])
    return page, None if len(page) == most else edge


def _from_few(part: Part, most: int, few: Shelf) -> Found:
    if few.has_order:
        return part.load(part.sort(few.find(part.rest)).values("pk")[:most]), None
    return _sorted(part, most, few), None


def _sorted(part: Part, most: int, shelf: Shelf) -> list[Task]:
    """All that are wanted on this shelf, of at most MANY, are looked at."""
    rows = part.rows if part.start is None else part.rows.filter(part.order.behind(part.start))
    found = shelf.find(rows)
    if shelf.has_order and part.order.field != "id":
        by_id = found.order_by("-pk" if part.is_falling else "pk")
        return part.load(first_of(by_id, part.order.field, most, is_falling=part.is_falling))
    keys = [Unsorted(name) for name in dict.fromkeys((part.order.field, "id"))]
    order = [key.desc() if part.is_falling else key for key in keys]
    return part.load(found.order_by(*order).values("pk")[:most])
