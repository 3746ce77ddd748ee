"""Batches in the admin: how far each is, and the moves that act on all of its tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from tasks.admin.badges import status_pill
from tasks.admin.changelist import CappedChangeList
from tasks.admin.lean import LookedAtAdmin
from tasks.admin.wording import age
from tasks.errors import BatchNotFound
from tasks.models import Batch
from tasks.services.access import get_batch
from tasks.services.batch_progress import Progress, progress_of
from tasks.services.batches import cancel_batch, retry_failed
from tasks.stats.wording import plain
from tasks.vocabulary import TERMINAL, Status

_MOVES: dict[str, tuple[Callable[[Any, int], Batch], str]] = {
    "cancel": (cancel_batch, "What had not ended is cancelled."),
    "retry": (retry_failed, "What had FAILED is back in line."),
}


class BatchChangeList(CappedChangeList):
    """Knows the progress of the page's batches, by one query for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        progress = progress_of(rows)
        for batch in rows:
            batch.progress = progress[batch.pk]
        self.result_list = rows


@admin.action(description="Cancel the selected batches", permissions=["operate"])
def cancel_selected(
    model_admin: BatchAdmin, request: HttpRequest, queryset: QuerySet[Batch]
) -> None:
    _move_all(model_admin, request, queryset, "cancel")


@admin.action(description="Retry the failed tasks of the selected batches", permissions=["operate"])
def retry_selected(
    model_admin: BatchAdmin, request: HttpRequest, queryset: QuerySet[Batch]
) -> None:
    _move_all(model_admin, request, queryset, "retry")


class BatchAdmin(LookedAtAdmin):
    """`tasks.change_task` lets staff move a batch's tasks; nothing is edited by hand."""

    list_title = "Batches"
    list_display = ("number", "state_mark", "name_mark", "progress_mark", "cost", "owner", "age")
    list_display_links = ("number", "name_mark")
    list_select_related = ("owner",)
    search_fields = ("name",)
    actions = (cancel_selected, retry_selected)

    @admin.display(description="Batch")
    def number(self, batch: Batch) -> str:
        return f"#{batch.pk}"

    @admin.display(description="Status")
    def state_mark(self, batch: Any) -> SafeString:
        return status_pill(batch.progress.status)

    @admin.display(description="Name")
    def name_mark(self, batch: Batch) -> SafeString:
        return format_html('<span class="prompt">{}</span>', batch.name or "–")

    @admin.display(description="Ended")
    def progress_mark(self, batch: Any) -> SafeString:
        return progress_bar(batch, batch.progress)

    @admin.display(description="Cost")
    def cost(self, batch: Any) -> str:
        return cost_words(batch.progress)

    @admin.display(description="Age")
    def age(self, batch: Batch) -> SafeString | str:
        return age(batch.created_at)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BatchChangeList]:
        return BatchChangeList

    def get_urls(self) -> list[URLPattern]:
        moves = [
            path(
                f"<int:batch_id>/{name}/",
                self.admin_site.admin_view(_move_view(self, name)),
                name=f"tasks_batch_{name}",
            )
            for name in _MOVES
        ]
        return [*moves, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Batch | None = None) -> bool:
        user = request.user
        return user.has_perm("tasks.view_batch") or self.has_operate_permission(request)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """May cancel and retry."""
        return request.user.has_perm("tasks.change_task")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = _found(request, object_id)
        progress = progress_of([batch])[batch.pk]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Batch {batch.pk}",
            "batch": batch,
            "pill": status_pill(progress.status),
            "bar": progress_bar(batch, progress),
            "counts": progress.counts.items(),
            "cost": cost_words(progress),
            "finished_at": progress.finished_at,
            "can_cancel": self.has_operate_permission(request) and _is_live(progress),
            "can_retry": self.has_operate_permission(request) and progress.counts[Status.FAILED],
        }
        return TemplateResponse(request, "admin/tasks/batch/detail.html", context)


def progress_bar(batch: Batch, progress: Progress) -> SafeString:
    """Those that have ended among all, in words and as a bar."""
    ended = sum(progress.counts[status] for status in TERMINAL)
    failed = progress.counts[Status.FAILED]
    return format_html(
        '<progress max="{}" value="{}"></progress> {} of {}{}',
        batch.total,
        ended,
        f"{ended:,}",
        f"{batch.total:,}",
        format_html('<span class="note">{} failed</span>', f"{failed:,}") if failed else "",
    )


def cost_words(progress: Progress) -> str:
    return "–" if progress.cost_usd is None else f"${plain(progress.cost_usd)}"


def _is_live(progress: Progress) -> bool:
    return bool(progress.counts[Status.PENDING] or progress.counts[Status.PROCESSING])


def _found(request: HttpRequest, batch_id: object) -> Batch:
    user: Any = request.user
    try:
        return get_batch(user, batch_id)
    except BatchNotFound as error:
        raise Http404(error.message) from error


def _move_view(model_admin: BatchAdmin, name: str) -> Callable[..., HttpResponse]:
    @require_POST
    def view(request: HttpRequest, batch_id: int) -> HttpResponse:
        if not model_admin.has_operate_permission(request):
            raise PermissionDenied
        _move(model_admin, request, _found(request, batch_id), name)
        messages.success(request, _MOVES[name][1])
        return HttpResponseRedirect(reverse("admin:tasks_batch_change", args=[batch_id]))

    return view


def _move_all(
    model_admin: BatchAdmin, request: HttpRequest, queryset: QuerySet[Batch], name: str
) -> None:
    for batch in queryset:
        _move(model_admin, request, batch, name)
    messages.success(request, _MOVES[name][1])


def _move(model_admin: BatchAdmin, request: HttpRequest, batch: Batch, name: str) -> None:
    act, words = _MOVES[name]
    act(request.user, batch.pk)
    model_admin.log_change(request, batch, words)
