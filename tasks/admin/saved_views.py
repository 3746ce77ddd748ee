"""The bar of views over the list of tasks: some that everybody needs, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from tasks.errors import InvalidInput
from tasks.services import saved_views

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin

_PAGE = "p"
_STANDING = (
    ("All", ""),
    ("Waiting for a slot", "waiting=due&o=1"),
    ("Running", "status__exact=PROCESSING"),
    ("Failed, last 24 hours", "status__exact=FAILED&finished=24h"),
    ("Mock answers", "result_source__exact=mock"),
)


@dataclass(frozen=True, kw_only=True)
class ViewLink:
    """`is_own`: its owner may forget it."""

    name: str
    href: str
    is_current: bool
    is_own: bool = False


def view_bar(request: HttpRequest) -> dict[str, Any]:
    """What the template needs."""
    user: Any = request.user
    query = query_of(request.GET)
    links = [_link(name, kept, query) for name, kept in _STANDING]
    own = [_link(v.name, v.query, query, is_own=True) for v in saved_views.views_of(user)]
    is_known = any(link.is_current for link in links + own)
    return {"views": links + own, "view_query": query, "can_save_view": query and not is_known}


def view_urls(model_admin: TaskAdmin) -> list[URLPattern]:
    """Saving and forgetting."""

    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        query = _act(request)
        where = reverse("admin:tasks_task_changelist")
        return HttpResponseRedirect(f"{where}?{query}" if query else where)

    wrapped = model_admin.admin_site.admin_view(view)
    return [path("views/", wrapped, name="tasks_task_views")]


def query_of(given: QueryDict) -> str:
    """The filters, the search and the order alone, in one order whoever asks."""
    pairs = sorted(
        (name, value)
        for name, values in given.lists()
        for value in values
        if value and name not in (_PAGE, "all", "e")
    )
    kept = QueryDict(mutable=True)
    for name, value in pairs:
        kept.appendlist(name, value)
    return kept.urlencode()


def _act(request: HttpRequest) -> str:
    """Returns the query of the list to go back to."""
    user: Any = request.user
    if name := request.POST.get("forget", ""):
        if saved_views.forget_view(user, name):
            messages.success(request, f"The view “{name}” is forgotten.")
        return ""
    query = query_of(QueryDict(request.POST.get("query", "")))
    try:
        view = saved_views.save_view(user, request.POST.get("name", ""), query)
    except InvalidInput as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The view is saved as “{view.name}”.")
    return query


def _link(name: str, kept: str, query: str, *, is_own: bool = False) -> ViewLink:
    canonical = query_of(QueryDict(kept))
    where = reverse("admin:tasks_task_changelist")
    return ViewLink(
        name=name, href=f"{where}?{canonical}" if canonical else where,
        is_current=canonical == query, is_own=is_own,
    )  # fmt: skip
