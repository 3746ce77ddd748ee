"""A list that stays fast on millions of rows: short counts, short texts, no table scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.functional import cached_property

from tasks.models import Task

MOST_COUNTED = 10_000
_LARGE_TEXTS = ("prompt", "system", "result", "metadata", "error_message")
_PREVIEW_CHARS = 160

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class CappedPaginator(_Paginator):
    """Counts no further than `MOST_COUNTED` rows and one more, which stands for "and more"."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Task]", self.object_list).order_by().values("pk")
        return rows[: MOST_COUNTED + 1].count()


class CappedChangeList(ChangeList):
    """A list whose count may have been cut: `has_more` says so."""

    @property
    def has_more(self) -> bool:
        return self.result_count > MOST_COUNTED


class TaskChangeList(CappedChangeList):
    """The list of tasks, with the beginning of each prompt alone."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        preview = Left("prompt", _PREVIEW_CHARS)
        shown: QuerySet[Any] = rows.defer(*_LARGE_TEXTS).annotate(prompt_preview=preview)
        return shown
