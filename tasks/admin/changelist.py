"""A list that stays fast on millions of rows: short counts, short texts, no table scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.functional import cached_property

from tasks.admin.since import SinceFilter
from tasks.index_hints import through_index

MOST_COUNTED = 10_000
_LARGE_TEXTS = ("prompt", "system", "result", "metadata", "error_message")
_PREVIEW_CHARS = 160
MOST_READ_BY_TIME = 50_000
"""So many rows are looked through faster than another filter's whole index might be."""

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class CappedPaginator(_Paginator):
    """Counts no further than `MOST_COUNTED` rows and one more, which stands for "and more".

    The rows are judged once, by their keys: some filters are dear, and a page needs no second look.
    """

    @cached_property
    def _keys(self) -> list[Any]:
        rows = cast("QuerySet[Any]", self.object_list)
        return list(rows.values_list("pk", flat=True)[: MOST_COUNTED + 1])

    @cached_property
    def count(self) -> int:
        return len(self._keys)

    def page(self, number: int | str) -> Page[Any]:
        """Raises: PageNotAnInteger, EmptyPage."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = cast("QuerySet[Any]", self.object_list)
        shown = rows.filter(pk__in=self._keys[first : first + self.per_page])
        return Page(through_index(shown, None), number, self)


class CappedChangeList(ChangeList):
    """A list whose count may have been cut: `has_more` says so."""

    @property
    def has_more(self) -> bool:
        return self.result_count > MOST_COUNTED

    def get_results(self, request: HttpRequest) -> None:
        """A single page comes from the paginator too, as it has looked for its rows already."""
        super().get_results(request)
        if not self.multi_page:
            self.result_list = self.paginator.page(1).object_list


class TaskChangeList(CappedChangeList):
    """The list of tasks, with the beginning of each prompt alone.

    Filtered by a time, it is read in the order of that time where this is the shorter way: by
    number, the oldest first, a whole table would be passed over before the first row is found.
    """

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        # An action goes through its tasks by number, a part at a time: no other order helps it.
        span = None if request.method == "POST" else self._time_to_read_by()
        if span is not None:
            column, index, direction = span
            by_time = rows.order_by(f"{direction}{column}", f"{direction}pk")
            rows = through_index(by_time, index)
        preview = Left("prompt", _PREVIEW_CHARS)
        shown: QuerySet[Any] = rows.defer(*_LARGE_TEXTS).annotate(prompt_preview=preview)
        return shown

    def _time_to_read_by(self) -> tuple[str, str, str] | None:
        """The column, its index and the sign of the order; None: go by number."""
        used = [spec for spec in self.filter_specs if set(spec.expected_parameters()) & self._asked]
        times = [
            (since, spec)
            for spec in used
            if isinstance(spec, SinceFilter) and (since := spec.since()) is not None
        ]
        if not times:
            return None
        _, shortest = max(times, key=lambda time: time[0])
        is_alone = len(used) == len(times) and not self.query
        if not is_alone and not shortest.is_narrow(MOST_READ_BY_TIME):
            return None
        direction = "" if self.params.get(ORDER_VAR, "").startswith("1") else "-"
        return shortest.column, shortest.index, direction

    @property
    def _asked(self) -> set[str | None]:
        return {name for name, values in self.filter_params.items() if any(values)}
