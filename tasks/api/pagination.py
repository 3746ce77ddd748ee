"""Pages `{"next", "previous", "results"}` that stay put while rows are inserted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from tasks.api.cursors import FIELDS, Ordering, Place
from tasks.api.reading import read_page
from tasks.api.shelves import Wanted
from tasks.errors import InvalidInput
from tasks.models import Task
from tasks.querysets import TaskQuerySet

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
DEFAULT_ORDERING = "-id"


class TaskPagination(BasePagination):
    """Reads `cursor`, `limit` and `ordering`; one query a page, without a count or an offset."""

    query_names = frozenset({"cursor", "limit", "ordering"})

    wanted = Wanted()

    default_ordering = DEFAULT_ORDERING

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """The rows of the page that the query asks for.

        Raises:
            InvalidInput: a parameter is malformed.
        """
        self._request = request
        ordering = _one(request, "ordering")
        self._ordering = Ordering.parse(self.default_ordering if ordering is None else ordering)
        limit = _limit(_one(request, "limit"))
        cursor = _one(request, "cursor")
        place = None if cursor is None else Place.decode(cursor, self._ordering)
        rows, has_more = self._read(queryset, place, limit)
        is_backward = place is not None and place.is_backward
        self._rows = rows
        self._has_next = has_more if not is_backward else True
        self._has_previous = has_more if is_backward else place is not None
        return rows

    def _read(
        self, queryset: TaskQuerySet, place: Place | None, limit: int
    ) -> tuple[list[Task], bool]:
        """The rows of a page, and whether there may be more in its direction."""
        is_backward = place is not None and place.is_backward
        found, self._edge = self._find(queryset, place, limit + 1)
        rows, has_more = found[:limit], len(found) > limit or self._edge is not None
        return (rows[::-1] if is_backward else rows), has_more

    def _find(
        self, queryset: TaskQuerySet, place: Place | None, most: int
    ) -> tuple[list[Task], Place | None]:
        return read_page(queryset, self._ordering, place, most, self.wanted)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "next": self._link(is_backward=False) if self._has_next else None,
                "previous": self._link(is_backward=True) if self._has_previous else None,
                "results": data,
            }
        )

    def _link(self, *, is_backward: bool) -> str | None:
        """To what lies beyond the page's last row, or beyond what it has looked through."""
        place = self._place_to_go_on_from(is_backward=is_backward)
        if place is None:
            return None
        address = self._request.build_absolute_uri()
        return replace_query_param(address, "cursor", place.encode(self._ordering))

    def _place_to_go_on_from(self, *, is_backward: bool) -> Place | None:
        if self._edge and (self._edge.is_backward is is_backward or not self._rows):
            return replace(self._edge, is_backward=is_backward)
        if not self._rows:
            return None
        row = self._rows[0 if is_backward else -1]
        return self._ordering.place_of(row, is_backward=is_backward)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        orderings = [sign + name for name in FIELDS for sign in ("", "-")]
        return [
            _parameter(
                "cursor",
                {"type": "string"},
                "From `next` or `previous`, as it is. A page may be short, or empty, while `next`"
                " leads on.",
            ),
            _parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                "Rows a page.",
            ),
            _parameter(
                "ordering",
                {"type": "string", "enum": orderings, "default": DEFAULT_ORDERING},
                "Order of the tasks; `-` for falling. Tasks without the value come last.",
            ),
        ]


class NewestFirstPagination(TaskPagination):
    """Pages of other rows than tasks, by falling id and no other order."""

    query_names = frozenset({"cursor", "limit"})

    def _find(
        self, queryset: Any, place: Place | None, most: int
    ) -> tuple[list[Any], Place | None]:
        rows = queryset if place is None else queryset.filter(self._ordering.beyond(place))
        is_backward = place is not None and place.is_backward
        return list(self._ordering.sort(rows, backward=is_backward)[:most]), None

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        described = super().get_schema_operation_parameters(view)
        return [one for one in described if one["name"] in self.query_names]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description,
            "schema": schema}  # fmt: skip


def _one(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise InvalidInput({name: ["Was given more than once."]})
    return values[0] if values else None


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    is_number = text.isascii() and text.isdigit() and len(text) < 5
    if not is_number or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidInput({"limit": [f"Must be a whole number from 1 to {MAX_LIMIT}."]})
    return int(text)
