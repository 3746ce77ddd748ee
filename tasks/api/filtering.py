"""The list's filters, handed to the service that knows them."""

from __future__ import annotations

from typing import Any, cast

from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend

from tasks.api.pagination import TaskPagination
from tasks.api.reading import Way
from tasks.api.views.base import ALWAYS_ALLOWED, caller
from tasks.models import Task
from tasks.querysets import TaskQuerySet
from tasks.services.selection import UNINDEXED, TaskFilters, select_tasks

_BY_TIME = frozenset({"created_after", "created_before"})


class TaskFilterBackend(DjangoFilterBackend):
    """Every query parameter that is not the page's own is a filter, or is refused."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """The caller's tasks that meet the filters. Raises: InvalidInput."""
        criteria = request.query_params.copy()
        for name in TaskPagination.query_names | ALWAYS_ALLOWED:
            criteria.pop(name, None)
        rows = select_tasks(caller(request), criteria)
        self._prepare(view.paginator, caller(request), criteria)
        return rows

    def _prepare(self, pages: Any, user: Any, criteria: QueryDict) -> None:
        """Let the pages read what these filters are about in the way that is quick."""
        span = {name: criteria[name] for name in _BY_TIME.intersection(criteria)}
        within = cast(TaskQuerySet, TaskFilters(span, queryset=Task.objects.all()).qs)
        pages.way = Way.by(criteria, is_owner=not user.is_staff, within=within)
        if not _BY_TIME.isdisjoint(criteria):
            pages.default_ordering = "-created_at"  # the newest first, as ever
        if not UNINDEXED.isdisjoint(criteria):
            easy = criteria.copy()
            for name in UNINDEXED:
                easy.pop(name, None)
            pages.easy = select_tasks(user, easy)

    def get_filterset_class(self, view: Any, queryset: Any = None) -> type[Any]:
        return TaskFilters
