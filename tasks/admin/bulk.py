"""Actions on many tasks: first a page that counts them all, then the act, told as it went.

What is selected is either the ticked rows or, with “select all”, everything that the filter finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse

from tasks import services
from tasks.admin.exports import download_csv, download_jsonl
from tasks.admin.moves import as_priority
from tasks.admin.preview import CONFIRMED, preview_context
from tasks.errors import DomainError, InvalidInput
from tasks.models import Task
from tasks.services.bulk import ELIGIBLE, BulkAction, act_on_rows
from tasks.vocabulary import Status

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin

MOST_CLONED = 1_000
_LOGGED_ONE_BY_ONE = 200

Act = Callable[[HttpRequest, QuerySet[Task]], HttpResponseBase | None]


@dataclass(frozen=True, kw_only=True)
class Move:
    """One entry of the action menu. permission: as the admin names it, `operate`, `add`, `view`.

    button: what the page that asks says, with the count in front of it. act: does it to the
    selection; gives a response if it has one of its own.
    """

    name: str
    label: str
    button: str
    permission: str
    eligible: frozenset[Status]
    act: Act
    needs_priority: bool = False
    most: int | None = None


def _changes(action: BulkAction, words: str) -> Act:
    def act(request: HttpRequest, rows: QuerySet[Task]) -> None:
        user: Any = request.user
        priority = _asked_priority(request) if action is BulkAction.SET_PRIORITY else None
        touched = _first_keys(rows.filter(status__in=ELIGIBLE[action]))
        try:
            changed = act_on_rows(user, action, cast(Any, rows), priority=priority)
        except InvalidInput as error:
            messages.error(request, error.message)
            return
        told = words if priority is None else f"{words} {priority}"
        _report(request, changed, touched, told)

    return act


def _clone(request: HttpRequest, rows: QuerySet[Task]) -> None:
    """The oldest first. A clone is a submit, which can be refused for a reason of its own."""
    user: Any = request.user
    made, refused = [], []
    for key in rows.order_by("pk").values_list("pk", flat=True)[:MOST_CLONED]:
        try:
            made.append(services.clone(user, key).pk)
        except DomainError as error:
            refused.append(error.message)
    _report(request, len(made), made, "cloned, each as a new task of yours")
    if refused:
        messages.warning(request, f"{in_words(len(refused))} refused, the first: {refused[0]}")


MOVES: Mapping[str, Move] = {
    move.name: move
    for move in (
        Move(
            name="retry_selected", label="Retry", button="Retry", permission="operate",
            eligible=ELIGIBLE[BulkAction.RETRY],
            act=_changes(BulkAction.RETRY, "put back to PENDING"),
        ),
        Move(
            name="cancel_selected", label="Cancel", button="Cancel", permission="operate",
            eligible=ELIGIBLE[BulkAction.CANCEL], act=_changes(BulkAction.CANCEL, "cancelled"),
        ),
        Move(
            name="set_priority", label="Change the priority", button="Reprioritise",
            permission="operate", eligible=ELIGIBLE[BulkAction.SET_PRIORITY],
            act=_changes(BulkAction.SET_PRIORITY, "given priority"), needs_priority=True,
        ),
        Move(
            name="clone_selected", label="Clone", button="Clone", permission="add",
            eligible=frozenset(Status), act=_clone, most=MOST_CLONED,
        ),
        Move(
            name="export_csv", label="Export as CSV", button="Download as CSV", permission="view",
            eligible=frozenset(Status), act=download_csv,
        ),
        Move(
            name="export_jsonl", label="Export as JSONL", button="Download as JSONL",
            permission="view", eligible=frozenset(Status), act=download_jsonl,
        ),
    )
}  # fmt: skip


def as_admin_action(move: Move) -> Callable[..., HttpResponseBase | None]:
    """`move` as Django wants its actions."""

    @admin.action(description=move.label, permissions=[move.permission])
    def action(
        model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]
    ) -> HttpResponseBase | None:
        if CONFIRMED in request.POST:
            return move.act(request, queryset)
        context = preview_context(model_admin, request, queryset, move)
        return TemplateResponse(request, "admin/tasks/task/preview.html", context)

    action.__name__ = move.name
    return action


def _asked_priority(request: HttpRequest) -> int:
    """What is no number is as wrong as 0 is, and refused by the same rule."""
    given = as_priority(request.POST)
    return given if isinstance(given, int) else 0


def _first_keys(rows: QuerySet[Task]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[: _LOGGED_ONE_BY_ONE + 1])


def _report(request: HttpRequest, changed: int, touched: list[int], words: str) -> None:
    """A message, and entries in the admin's log: one a task for a few, one for all of many. The
    audit log has them all."""
    messages.success(request, f"{in_words(changed)} {words}.")
    user_id = cast(int, request.user.pk)
    if 0 < len(touched) <= _LOGGED_ONE_BY_ONE:
        LogEntry.objects.log_actions(
            user_id=user_id,
            queryset=Task.objects.filter(pk__in=touched).only("pk", "status"),
            action_flag=CHANGE,
            change_message=f"{words.capitalize()} with others.",
        )
    elif changed:
        LogEntry.objects.create(
            user_id=user_id,
            content_type=ContentType.objects.get_for_model(Task),
            object_repr=in_words(changed),
            action_flag=CHANGE,
            change_message=f"{words.capitalize()}: {request.GET.urlencode() or 'all'}.",
        )


def in_words(count: int) -> str:
    """`1 task`, `1,234 tasks`."""
    return "1 task" if count == 1 else f"{count:,} tasks"
