"""The live page of one's own task, with its cancel button."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tasks import services
from tasks.errors import DomainError, TaskNotFound
from tasks.models import Task
from tasks.services.partials import partial_text
from tasks.stats.queue import get_outlook
from tasks.stats.wording import dollars, duration, waiting_words
from tasks.vocabulary import ResultSource, Status

_NOTICES = {
    ResultSource.MOCK: "The mock wrote this answer. No model was asked.",
    ResultSource.FALLBACK: "Another provider than the one asked has answered.",
    ResultSource.CACHE: "An earlier answer to the same request; no new call was made.",
}


@never_cache
@require_safe
@login_required
def task_page(request: HttpRequest, task_id: int) -> HttpResponse:
    """The whole page. Somebody else's task is not there."""
    return render(request, "pages/task.html", _context(request, task_id))


@never_cache
@require_safe
def task_part(request: HttpRequest, task_id: int) -> HttpResponse:
    """The live part alone, for the script on the page. 403 once the session has ended."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    return render(request, "pages/task_part.html", _context(request, task_id))


@require_POST
@login_required
def task_cancel(request: HttpRequest, task_id: int) -> HttpResponse:
    """Cancel, or say on its page why not."""
    return _move(request, task_id, services.cancel)


@require_POST
@login_required
def task_retry(request: HttpRequest, task_id: int) -> HttpResponse:
    """Back into the line, or say on its page why not."""
    return _move(request, task_id, services.retry)


def _move(request: HttpRequest, task_id: int, move: Callable[[Any, int], Task]) -> HttpResponse:
    try:
        move(_user(request), task_id)
    except TaskNotFound as error:
        raise Http404(error.message) from error
    except DomainError as error:
        context = _context(request, task_id) | {"refusal": error.message}
        return render(request, "pages/task.html", context, status=409)
    return redirect("task-page", task_id=task_id)


def _context(request: HttpRequest, task_id: int) -> dict[str, Any]:
    try:
        task = services.get_task(_user(request), task_id)
    except TaskNotFound as error:
        raise Http404(error.message) from error
    outlook = get_outlook(task)
    left_s = outlook.estimated_seconds_left
    return {
        "task": task,
        "partial": partial_text(task),
        "now": timezone.now(),
        "waiting": waiting_words(task),
        "place": outlook.queue_position,
        "left": None if left_s is None else duration(left_s),
        "notice": _NOTICES.get(ResultSource(task.result_source)) if task.result_source else None,
        "facts": list(_facts(task)),
        "attempts": task.attempt_log.all(),
        "can_retry": task.state in (Status.FAILED, Status.CANCELLED),
    }


def _facts(task: Task) -> Iterator[tuple[str, str]]:
    """Label and value pairs."""
    yield "Asked", f"{task.provider} / {task.model or 'as the router chooses'}"
    if task.served_model:
        yield "Answered by", f"{task.served_provider} / {task.served_model}"
    yield "Priority", str(task.priority)
    yield "Waited", duration(task.queue_seconds)
    yield "Ran", duration(task.run_seconds)
    yield "Cost", _cost(task)


def _cost(task: Task) -> str:
    if task.cost_usd is not None:
        return dollars(task.cost_usd)
    if task.result_source in (ResultSource.MOCK, ResultSource.CACHE):
        return "nothing"
    return "unpriced" if task.state is Status.COMPLETED else "–"


def _user(request: HttpRequest) -> Any:
    return request.user
