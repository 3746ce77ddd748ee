"""Where a page begins, as an opaque text: the place of a row in an ordering, and a direction.

A place is (value, id), so rows that come or go elsewhere never shift a page, and rows with equal
values have an order. Rows without a value (not finished yet) come last in both directions.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from tasks.errors import InvalidInput
from tasks.index_hints import Pair, Unsorted
from tasks.models import Task
from tasks.querysets import TaskQuerySet

Value = int | datetime | None

FIELDS = ("id", "created_at", "updated_at", "started_at", "finished_at", "priority")
OPTIONAL = frozenset({"started_at", "finished_at"})
_MOST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """A column and a direction; `id` breaks ties in the same direction."""

    field: str
    is_descending: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: InvalidInput."""
        field = text.removeprefix("-")
        if field not in FIELDS:
            names = ", ".join(f"{name}, -{name}" for name in FIELDS)
            raise InvalidInput({"ordering": [f"Must be one of {names}."]})
        return cls(field=field, is_descending=text.startswith("-"))

    def sort(self, rows: TaskQuerySet, *, backward: bool) -> TaskQuerySet:
        """All rows in this order, or in exactly the opposite one."""
        sign = "-" if self.is_descending is not backward else ""
        tie = [] if self.field == "id" else [f"{sign}{self.field}"]
        return rows.order_by(*tie, f"{sign}pk")

    def beyond(self, place: Place) -> Q:
        """The rows that come after `place`, or before it when it looks backward; of those with a
        value if it has one, else of those without."""
        is_falling = self.is_descending is not place.is_backward
        return self._on_side(place, "lt" if is_falling else "gt")

    def behind(self, place: Place) -> Q:
        """The same as `beyond`, for rows that another index finds than the one of this order, which
        PostgreSQL would else take for the bound."""
        if self.field == "id" or place.value is None:
            return self.beyond(place)
        sign = "<" if self.is_descending is not place.is_backward else ">"
        return Q(Pair(Unsorted(self.field), Unsorted("id"), sign, (place.value, place.pk)))

    def up_to(self, edge: Place) -> Q:
        """The rows before `edge`, seen in the direction in which it looks, and the one there."""
        is_falling = self.is_descending is not edge.is_backward
        return self._on_side(edge, "gte" if is_falling else "lte")

    def _on_side(self, place: Place, side: str) -> Q:
        if self.field == "id" or place.value is None:
            return Q(**{f"pk__{side}": place.pk})
        sign = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[side]
        return Q(Pair(F(self.field), F("id"), sign, (place.value, place.pk)))

    def place_of(self, task: Task, *, is_backward: bool) -> Place:
        value = None if self.field == "id" else getattr(task, self.field)
        return Place(value=value, pk=task.pk, is_backward=is_backward)

    def __str__(self) -> str:
        return f"-{self.field}" if self.is_descending else self.field


@dataclass(frozen=True, kw_only=True)
class Place:
    """The last row seen, and which way to read on from it."""

    value: Value
    pk: int
    is_backward: bool

    def encode(self, ordering: Ordering) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = json.dumps([str(ordering), self.is_backward, value, self.pk])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, ordering: Ordering) -> Self:
        """Raises: InvalidInput: no cursor of ours, or one of another ordering."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            made_for, is_backward, raw, pk = json.loads(base64.urlsafe_b64decode(padded))
            if made_for != str(ordering):
                raise InvalidInput({"cursor": ["Belongs to another ordering."]})
            return cls(value=_value(ordering, raw), pk=_id(pk), is_backward=is_backward is True)
        except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
            raise InvalidInput({"cursor": ["Is not one that this API gave out."]}) from None


def _value(ordering: Ordering, raw: object) -> Value:
    if ordering.field == "priority":
        return _id(raw)
    if ordering.field == "id" or (raw is None and ordering.field in OPTIONAL):
        return None
    moment = parse_datetime(raw) if isinstance(raw, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _id(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= _MOST_ID:
        raise ValueError
    return raw
