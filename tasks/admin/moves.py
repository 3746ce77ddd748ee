"""The buttons of a task's page: one POST, one service call, one log entry, one message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from tasks import services
from tasks.errors import DomainError, TaskNotFound
from tasks.models import Task

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin

Move = Callable[[Any, int], Task]


def move_urls(model_admin: TaskAdmin) -> list[URLPattern]:
    """Pages `…/<id>/cancel/` and so on."""
    return [
        path(
            f"<int:task_id>/{name}/",
            model_admin.admin_site.admin_view(_move_view(model_admin, name)),
            name=f"tasks_task_{name}",
        )
        for name in ("cancel", "retry", "priority", "clone")
    ]


def _move_view(model_admin: TaskAdmin, name: str) -> Callable[..., HttpResponse]:
    @require_POST
    def view(request: HttpRequest, task_id: int) -> HttpResponse:
        is_clone = name == "clone"
        if not _is_allowed(model_admin, request, is_clone=is_clone):
            raise PermissionDenied
        shown_id = task_id
        try:
            done = _act(name, request, task_id)
        except TaskNotFound as error:
            raise Http404(error.message) from error
        except DomainError as error:
            messages.error(request, error.message)
        else:
            _report(model_admin, request, name, task_id, done)
            shown_id = done.pk
        return HttpResponseRedirect(reverse("admin:tasks_task_change", args=[shown_id]))

    return view


def _is_allowed(model_admin: TaskAdmin, request: HttpRequest, *, is_clone: bool) -> bool:
    if not model_admin.has_view_permission(request):
        return False
    if is_clone:
        return model_admin.has_add_permission(request)
    return model_admin.has_operate_permission(request)


def _act(name: str, request: HttpRequest, task_id: int) -> Task:
    user: Any = request.user
    if name == "priority":
        return services.change(user, task_id, {"priority": as_priority(request.POST)})
    acts: dict[str, Move] = {
        "cancel": services.cancel,
        "retry": services.retry,
        "clone": services.clone,
    }
    return acts[name](user, task_id)


def as_priority(data: Any) -> object:
    """The number in the field `priority`; what is no number is left to the service to refuse."""
    text = str(data.get("priority", "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _report(
    model_admin: TaskAdmin, request: HttpRequest, name: str, task_id: int, done: Task
) -> None:
    if name == "clone":
        model_admin.log_addition(request, done, f"Cloned from task {task_id}.")
        messages.success(request, f"Task {task_id} was cloned as task {done.pk}.")
        return
    words = {
        "cancel": "was cancelled",
        "retry": "was put back to PENDING",
        "priority": f"has priority {done.priority} now",
    }[name]
    model_admin.log_change(request, done, f"{words.capitalize()}.")
    messages.success(request, f"Task {task_id} {words}.")
