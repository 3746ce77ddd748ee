"""The page that submits a task: what it may cost is shown before it is sent."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tasks import services
from tasks.errors import DomainError, InvalidInput
from tasks.pages.task_form import TaskForm
from tasks.stats.wording import dollars


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def task_new(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: an estimate, or with `submit` the task itself, and then its page."""
    if request.method != "POST":
        return render(request, "pages/task_new.html", {"form": TaskForm()})
    form, user = TaskForm(request.POST), _user(request)
    estimate = None
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
    words = None if estimate is None else estimate_words(estimate)
    context = {"form": form, "estimate": estimate, "words": words}
    status = 200 if form.is_valid() else 400
    return render(request, "pages/task_new.html", context, status=status)


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
            form.add_error(name if name in form.fields else None, rule)


def _user(request: HttpRequest) -> Any:
    """Logged in, as the decorator makes sure."""
    return request.user
