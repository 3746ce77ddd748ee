"""The page of a new task: form in, `services.submit`, the task's page out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from tasks import services
from tasks.admin.submit_form import SubmitForm
from tasks.errors import IdempotencyConflict, InvalidInput
from tasks.models import Task

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def submit_view(model_admin: ModelAdmin[Task], request: HttpRequest) -> HttpResponse:
    """The empty form, the form with its errors, or the way to the new task."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = SubmitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        task = _submit(model_admin, request, form)
        if task is not None:
            return HttpResponseRedirect(_next_page(request, task))
    return _render(model_admin, request, form)


def _submit(model_admin: ModelAdmin[Task], request: HttpRequest, form: SubmitForm) -> Task | None:
    """The new task, or None with the errors put on the form's fields."""
    key = form.cleaned_data["form_id"]
    try:
        submitted = services.submit(_user(request), form.as_submission(), idempotency_key=key)
    except InvalidInput as error:
        for name, rules in error.fields.items():
            field = name.split(".")[0]
            form.add_error(field if field in form.fields else None, rules)
        return None
    except IdempotencyConflict:
        form.add_error(None, "This form was sent already. Open a new one for another task.")
        return None
    task = submitted.task
    if not submitted.is_replay:
        model_admin.log_addition(request, task, "Submitted in the admin.")
    page = reverse("admin:tasks_task_change", args=[task.pk])
    done = format_html('<a href="{}">Task {}</a> was submitted.', page, task.pk)
    messages.success(request, done)
    return task


def _next_page(request: HttpRequest, task: Task) -> str:
    if "_addanother" in request.POST:
        return reverse("admin:tasks_task_add")
    if request.user.has_perm("tasks.view_task"):
        return reverse("admin:tasks_task_change", args=[task.pk])
    return reverse("admin:index")


def _render(model_admin: ModelAdmin[Task], request: HttpRequest, form: SubmitForm) -> HttpResponse:
    any_form: Any = form  # the admin lays out any form, whatever its stubs say
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Submit a task",
        "adminform": AdminForm(any_form, form.admin_fieldsets, {}, (), model_admin),
        "errors": AdminErrorList(any_form, []),
        "inline_admin_formsets": [],
        "media": model_admin.media + form.media,
        "add": True,
        "change": False,
        "is_popup": False,
        "has_view_permission": model_admin.has_view_permission(request),
    }
    return TemplateResponse(request, "admin/tasks/task/submit.html", context)


def _user(request: HttpRequest) -> Any:
    """The logged-in user: admin pages are closed to everybody else."""
    return request.user
