"""The list's filters, handed to the service that knows them."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend

from tasks.api.pagination import TaskPagination
from tasks.api.shelves import BY_TIME, Wanted
from tasks.api.views.base import ALWAYS_ALLOWED, caller
from tasks.services.selection import TaskFilters, select_tasks


class TaskFilterBackend(DjangoFilterBackend):
    """Every query parameter that is not the page's own is a filter, or is refused."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """The caller's tasks that meet the filters. Raises: InvalidInput."""
        criteria = request.query_params.copy()
        for name in TaskPagination.query_names | ALWAYS_ALLOWED:
            criteria.pop(name, None)
        user: Any = caller(request)
        rows = select_tasks(user, criteria)
        pages = view.paginator
        pages.wanted = Wanted(criteria=criteria, owner_id=None if user.is_staff else user.pk)
        if not BY_TIME.isdisjoint(criteria):
            pages.default_ordering = "-created_at"  # the newest first, as ever
        return rows

    def get_filterset_class(self, view: Any, queryset: Any = None) -> type[Any]:
        return TaskFilters
