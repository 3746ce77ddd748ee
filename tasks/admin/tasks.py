"""Tasks in the admin: list, search, filters, actions; submit and detail are pages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.views.decorators.http import require_safe

from tasks import services
from tasks.admin.bulk import MOVES, as_admin_action
from tasks.admin.changelist import CappedPaginator, TaskChangeList
from tasks.admin.columns import TaskColumns
from tasks.admin.detail import detail_view
from tasks.admin.filters import (
    CalledFilter,
    ErrorFilter,
    FailedAtFilter,
    ModelFilter,
    PriorityFilter,
    ServedFilter,
    SourceFilter,
    TemplateFilter,
    WaitingFilter,
)
from tasks.admin.moves import move_urls
from tasks.admin.saved_views import view_bar, view_urls
from tasks.admin.search import HELP, search_tasks
from tasks.admin.since import CreatedFilter, FinishedFilter
from tasks.admin.submit_view import submit_view
from tasks.errors import TaskNotFound
from tasks.models import Task

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Task]
else:
    _ModelAdmin = admin.ModelAdmin


class TaskAdmin(TaskColumns, _ModelAdmin):
    """`tasks.change_task` lets staff cancel, retry and reprioritise; nothing is edited by hand."""

    list_display = (
        "number", "state_mark", "prompt_start", "answered_by", "priority_mark", "tries", "owner",
        "age_mark",
    )  # fmt: skip
    list_display_links = ("number", "prompt_start")
    list_filter = (
        "status", "provider", SourceFilter, ServedFilter, FinishedFilter, CreatedFilter,
        WaitingFilter, ErrorFilter, FailedAtFilter, CalledFilter, PriorityFilter, ModelFilter,
        TemplateFilter,
    )  # fmt: skip
    list_select_related = ("owner",)
    sortable_by = ("number",)
    ordering = ("-id",)
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("prompt",)
    search_help_text = HELP
    actions = tuple(map(as_admin_action, MOVES.values()))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"title": "Tasks"} | view_bar(request) | (extra_context or {})
        return super().changelist_view(request, extra)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[TaskChangeList]:
        return TaskChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        return search_tasks(queryset, search_term), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        found.pop("delete_selected", None)  # it knows no states; one task at a time is enough
        return found

    def get_urls(self) -> list[URLPattern]:
        return [*move_urls(self), *view_urls(self), *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        user = request.user
        return user.has_perm("tasks.view_task") or user.has_perm("tasks.change_task")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """May cancel, retry and reprioritise."""
        return request.user.has_perm("tasks.change_task")

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        is_over = obj is None or obj.is_terminal
        return is_over and super().has_delete_permission(request, obj)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return submit_view(self, request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return _show(request, self, object_id)

    def delete_model(self, request: HttpRequest, obj: Task) -> None:
        services.delete(request.user, obj.pk)  # type: ignore[arg-type] # admin users are no guests


@require_safe
def _show(request: HttpRequest, model_admin: TaskAdmin, object_id: str) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user: Any = request.user
    try:
        task = services.get_task(user, object_id)
    except TaskNotFound as error:
        raise Http404(error.message) from error
    return detail_view(model_admin, request, task)
