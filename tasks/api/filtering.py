"""The list's filters, handed to the service that knows them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend

from tasks.api.pagination import TaskPagination
from tasks.api.reading import without_sorting
from tasks.api.views.base import ALWAYS_ALLOWED, caller
from tasks.services.selection import UNINDEXED, TaskFilters, select_tasks

_BY_TIME = frozenset({"created_after", "created_before"})


class TaskFilterBackend(DjangoFilterBackend):
    """Every query parameter that is not the page's own is a filter, or is refused."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """The caller's tasks that meet the filters. Raises: InvalidInput."""
        criteria = request.query_params.copy()
        for name in TaskPagination.query_names | ALWAYS_ALLOWED:
            criteria.pop(name, None)
        self._prepare(view.paginator, caller(request), criteria)
        rows = select_tasks(caller(request), criteria)
        has_several = any(len(values) > 1 for _, values in criteria.lists())
        return without_sorting(rows) if has_several else rows

    def _prepare(self, pages: Any, user: AbstractBaseUser, criteria: QueryDict) -> None:
        """Let the pages read what these filters are about in the way that is quick."""
        if not _BY_TIME.isdisjoint(criteria):
            pages.default_ordering = "-created_at"  # the newest first, as ever
        if not UNINDEXED.isdisjoint(criteria):
            easy = criteria.copy()
            for name in UNINDEXED:
                easy.pop(name, None)
            pages.easy = select_tasks(user, easy)

    def get_filterset_class(self, view: Any, queryset: Any = None) -> type[Any]:
        return TaskFilters
