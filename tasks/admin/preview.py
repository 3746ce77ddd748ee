"""The page between an action and its deed: how many tasks it means, how many it can do it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from tasks.admin.badges import status_pill
from tasks.models import Task
from tasks.vocabulary import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY, Status

if TYPE_CHECKING:
    from tasks.admin.bulk import Move
    from tasks.admin.tasks import TaskAdmin

CONFIRMED = "confirmed"
"""The field with which the page posts the same action again."""

_SHOWN = 5


def preview_context(
    model_admin: TaskAdmin, request: HttpRequest, rows: QuerySet[Task], move: Move
) -> dict[str, Any]:
    """Counts are exact and of the whole selection, however long they take."""
    rows = rows.order_by()
    eligible = rows.filter(status__in=move.eligible) if move.eligible != set(Status) else rows
    matched, able = rows.count(), eligible.count()
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": move.label,
        "move": move,
        "matched": matched,
        "able": able if move.most is None else min(able, move.most),
        "left": matched - able,
        "is_cut": move.most is not None and able > move.most,
        "states": [status_pill(status) for status in Status if status in move.eligible],
        "sample": list(_sample(eligible)),
        "keys": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "key_name": ACTION_CHECKBOX_NAME,
        "is_across": request.POST.get("select_across") == "1",
        "query": request.GET.urlencode(),
        "back": reverse("admin:tasks_task_changelist"),
        "priorities": range(MAX_PRIORITY, MIN_PRIORITY - 1, -1),
        "usual_priority": DEFAULT_PRIORITY,
    }


def _sample(eligible: QuerySet[Task]) -> Any:
    """The newest few, so that a wrong filter shows before it hurts."""
    for task in eligible.order_by("-pk")[:_SHOWN]:
        yield task, status_pill(task.status)
