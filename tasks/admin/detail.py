"""The page of one task: everything known of it, and the moves that its state allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from tasks.admin.attempts import request_text
from tasks.admin.badges import provider_badge, source_badge, status_pill
from tasks.models import Attempt, Task
from tasks.services.access import may_open
from tasks.services.partials import partial_text
from tasks.stats.wording import duration, plain, waiting_words
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY, Outcome, ResultSource, Status

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin

_NOTICES = {
    ResultSource.MOCK: "The mock provider wrote this answer. No model was asked.",
    ResultSource.FALLBACK: "Another provider than the one asked has answered.",
    ResultSource.CACHE: "This is an earlier answer to the same request; no new call was made.",
}


def detail_view(model_admin: TaskAdmin, request: HttpRequest, task: Task) -> HttpResponse:
    """Read-only; the buttons post to pages of their own."""
    if not model_admin.has_view_permission(request, task):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"Task {task.pk}",
        "original": task,
        "task": task,
        "pill": status_pill(task.status),
        "provider_badge": provider_badge(task),
        "source_badge": source_badge(task.result_source),
        "notice": _NOTICES.get(ResultSource(task.result_source)) if task.result_source else None,
        "waiting": waiting_words(task),
        "partial": partial_text(task),
        "facts": list(_facts(task, request.user)),
        "attempts": [_attempt_row(task, attempt) for attempt in task.attempt_log.all()],
        "moves": allowed_moves(model_admin, request, task),
        "can_delete": model_admin.has_delete_permission(request, task),
        "priorities": range(MAX_PRIORITY, MIN_PRIORITY - 1, -1),
    }
    return TemplateResponse(request, "admin/tasks/task/detail.html", context)


def allowed_moves(model_admin: TaskAdmin, request: HttpRequest, task: Task) -> set[str]:
    """Of cancel, retry, priority and clone: what this user may do to a task in this state."""
    moves = {
        Status.PENDING: {"cancel", "priority"},
        Status.PROCESSING: {"cancel"},
        Status.FAILED: {"retry"},
        Status.CANCELLED: {"retry"},
        Status.COMPLETED: set[str](),
    }[task.state]
    allowed = set(moves) if model_admin.has_operate_permission(request) else set[str]()
    return allowed | ({"clone"} if model_admin.has_add_permission(request) else set())


def _facts(task: Task, reader: Any) -> Iterator[tuple[str, Any]]:
    """Label and value pairs; what is empty is left out, but for what its absence tells."""
    yield "Model asked", task.model or "as the router chooses"
    if task.served_model:
        yield "Served by", f"{task.served_provider} / {task.served_model}"
    yield "Priority", task.priority
    yield "Owner", task.owner
    yield "Attempts", f"{task.attempts} of {task.max_attempts}"
    yield "Cost", _cost(task)
    if task.prompt_tokens is not None or task.completion_tokens is not None:
        yield "Tokens", _tokens(task)
    yield "In the queue", duration(task.queue_seconds)
    yield "Run time", duration(task.run_seconds)
    yield from _optional_facts(task, reader)
    yield "Created", _moment(task.created_at)
    for label, moment in [
        ("Not before", task.run_after), ("Expires", task.expires_at),
        ("Started", task.started_at), ("Finished", task.finished_at),
    ]:  # fmt: skip
        if moment is not None:
            yield label, _moment(moment)


def _optional_facts(task: Task, reader: Any) -> Iterator[tuple[str, Any]]:
    if task.finish_reason:
        yield "Finish reason", task.finish_reason
    if task.max_tokens is not None:
        yield "Token cap", task.max_tokens
    if task.temperature is not None:
        yield "Temperature", task.temperature
    yield "Failover", "allowed" if task.failover else "off"
    if task.batch_id is not None:
        yield "Batch", _link(reader, "batch", task.batch_id, f"#{task.batch_id}")
    if task.template_version is not None:
        key = task.template_version.template_id
        yield "Template", _link(reader, "prompttemplate", key, task.template)
    if task.tags:
        yield "Tags", ", ".join(map(str, task.tags))
    if task.custom_id:
        yield "Custom id", task.custom_id
    if task.metadata:
        yield "Metadata", json.dumps(task.metadata, ensure_ascii=False)


def _link(reader: Any, model: str, key: int, text: object) -> object:
    """`text` as a link to a page of the admin, for who may open that."""
    if not may_open(reader, model):
        return text
    page = reverse(f"admin:tasks_{model}_change", args=[key])
    return format_html('<a href="{}">{}</a>', page, text)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cost(task: Task) -> str:
    if task.result_source == ResultSource.CACHE and task.saved_usd is not None:
        return f"${plain(task.cost_usd or Decimal(0))}, saved ${plain(task.saved_usd)}"
    if task.cost_usd is not None:
        return f"${plain(task.cost_usd)}"
    if task.result_source == ResultSource.CACHE:
        return "none: no new call"
    if task.result_source == ResultSource.MOCK:
        return "none: the mock is free"
    return "unpriced" if task.state is Status.COMPLETED else "–"


def _tokens(task: Task) -> str:
    cached = f" ({task.cached_tokens} cached)" if task.cached_tokens else ""
    return f"{task.prompt_tokens or 0} in{cached}, {task.completion_tokens or 0} out"


def _attempt_row(task: Task, attempt: Attempt) -> dict[str, Any]:
    is_over = attempt.finished_at is not None
    seconds = (attempt.finished_at - attempt.started_at).total_seconds() if is_over else None  # type: ignore[operator]
    cost = attempt.cost_usd
    return {
        "attempt": attempt,
        "outcome": attempt.outcome or ("running" if not is_over else Outcome.UNKNOWN.value),
        "duration": duration(None if seconds is None else max(0.0, seconds)),
        "cost": "–" if cost is None else f"${plain(cost)}",
        "request": request_text(task, attempt),
    }
