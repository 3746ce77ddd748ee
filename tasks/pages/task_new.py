"""The page that submits a task: what it may cost is shown before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tasks import services
from tasks.errors import DomainError, InvalidInput
from tasks.models import PromptTemplate, TemplateVersion
from tasks.pages.task_form import TaskForm
from tasks.services.template_shelf import find_version
from tasks.services.templates import visible_templates
from tasks.stats.wording import dollars

_MOST_TEMPLATES = 200


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def task_new(request: HttpRequest) -> HttpResponse:
    """GET: the form, of `template` if one is named. POST: an estimate, or with `submit` the task
    itself, and then its page."""
    user = _user(request)
    version = _asked_version(user, request.GET.get("template", ""))
    context: dict[str, Any] = {"templates": _own_templates(user), "version": version}
    if request.method != "POST":
        return _page(request, TaskForm(version=version), **context)
    form, estimate = TaskForm(request.POST, version=version), None
    if form.is_valid():
        try:
            estimate = services.estimate(user, form.as_submission())
            if "submit" in request.POST:
                key = form.cleaned_data["form_id"]
                done = services.submit(user, form.as_submission(), idempotency_key=key)
                return redirect("task-page", task_id=done.task.pk)
        except InvalidInput as error:
            _show(form, error)
        except DomainError as error:
            form.add_error(None, error.message)
    context["words"] = None if estimate is None else estimate_words(estimate)
    return _page(request, form, **context, status=200 if form.is_valid() else 400)


def _page(request: HttpRequest, form: TaskForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "pages/task_new.html", {"form": form, **more}, status=status)


def _own_templates(user: Any) -> Iterable[PromptTemplate]:
    """Those that a submit of `user` may name."""
    own = visible_templates(user).filter(owner_id=user.pk, archived_at=None)
    return own.order_by("name")[:_MOST_TEMPLATES]


def _asked_version(user: Any, template_id: str) -> TemplateVersion | None:
    """The latest of the user's own template. Raises: Http404."""
    if not template_id:
        return None
    version = find_version(user, template_id)
    if version is None:
        raise Http404("You have no such template.")
    return version


def estimate_words(estimate: services.Estimate) -> str:
    """For a person about to submit."""
    if estimate.is_mock:
        return "Nothing: the mock answers, and no model is asked."
    asked = " / ".join(filter(None, (estimate.provider, estimate.model)))
    if estimate.cost_usd is None:
        return f"Not known beforehand for {asked}."
    return f"At most about {dollars(estimate.cost_usd)} a call of {asked}."


def _show(form: TaskForm, error: InvalidInput) -> None:
    for name, rules in error.fields.items():
        for rule in rules:
            form.add_error(form.field_of(name), rule)


def _user(request: HttpRequest) -> Any:
    """Logged in, as the decorator makes sure."""
    return request.user
