"""Actions on many tasks at once: each task by its service, then one honest account of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest

from tasks import services
from tasks.admin.moves import as_priority
from tasks.errors import DomainError
from tasks.models import Task
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin

MOST_AT_ONCE = 1_000
_REASONS_SHOWN = 5


class TaskActionForm(ActionForm):
    """The choice of an action, and the number that one of them needs."""

    priority = forms.IntegerField(
        required=False,
        label="New priority:",
        widget=forms.NumberInput(attrs={"min": MIN_PRIORITY, "max": MAX_PRIORITY}),
    )


@admin.action(description="Retry the selected tasks", permissions=["operate"])
def retry_selected(model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]) -> None:
    user: Any = request.user
    _run(request, queryset, "put back to PENDING", lambda pk: services.retry(user, pk))


@admin.action(description="Cancel the selected tasks", permissions=["operate"])
def cancel_selected(model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]) -> None:
    user: Any = request.user
    _run(request, queryset, "cancelled", lambda pk: services.cancel(user, pk))


@admin.action(description="Clone the selected tasks", permissions=["add"])
def clone_selected(model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]) -> None:
    user: Any = request.user
    _run(
        request,
        queryset,
        "cloned, each as a new task of yours",
        lambda pk: services.clone(user, pk),
    )


@admin.action(description="Set the priority of the selected tasks", permissions=["operate"])
def set_priority(model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]) -> None:
    user: Any = request.user
    priority = as_priority(request.POST)
    if priority == "":
        messages.error(request, "Fill in “New priority” beside the action, then go.")
        return
    change = {"priority": priority}
    _run(
        request,
        queryset,
        f"given priority {priority}",
        lambda pk: services.change(user, pk, change),
    )


def _run(
    request: HttpRequest, queryset: QuerySet[Task], words: str, act: Callable[[int], Task]
) -> None:
    """At most `MOST_AT_ONCE` tasks, the oldest first, so that the page answers in time."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    done: list[Task] = []
    refused: Counter[str] = Counter()
    for key in keys[:MOST_AT_ONCE]:
        try:
            done.append(act(key))
        except DomainError as error:
            refused[error.message] += 1
    if done:
        _log(request, done, words)
        messages.success(request, f"{_tasks(len(done))} {words}.")
    if refused:
        messages.warning(request, _refusals(refused))
    if len(keys) > MOST_AT_ONCE:
        messages.warning(
            request, f"More were selected: {MOST_AT_ONCE:,} are done at a time. Run it again."
        )


def _log(request: HttpRequest, done: list[Task], words: str) -> None:
    LogEntry.objects.log_actions(
        user_id=cast(int, request.user.pk),
        queryset=done,
        action_flag=CHANGE,
        change_message=f"{words.capitalize()} with others.",
    )


def _refusals(refused: Counter[str]) -> str:
    shown = [
        reason if count == 1 else f"{reason} ({count} times)"
        for reason, count in refused.most_common(_REASONS_SHOWN)
    ]
    left = len(refused) - len(shown)
    more = f" … and {left} more such." if left > 0 else ""
    return f"{_tasks(refused.total())} refused: {' '.join(shown)}{more}"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count:,} tasks"
