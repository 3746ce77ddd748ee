"""What can be done to one task, and to many at once."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import services
from tasks.api.representation import TaskDetailSerializer, render_task
from tasks.api.requests import (
    BulkActionSerializer,
    BulkOutcomeSerializer,
    TaskCloneSerializer,
)
from tasks.api.schema import LOCATION, TASK_ID, failures
from tasks.api.views.base import ApiView, caller, created, refuse_body
from tasks.services.bulk import BulkAction, act_on_all
from tasks.services.submission import clean

_BULK_EXAMPLES = [
    OpenApiExample(
        "Count first",
        {"action": "retry", "filter": {"status": "FAILED", "tag": "news"}, "dry_run": True},
        request_only=True,
    ),
    OpenApiExample(
        "Hurry up",
        {"action": "set_priority", "filter": {"status": "PENDING"}, "priority": 9},
        request_only=True,
    ),
]


class TaskCancelView(ApiView):
    """POST cancels the task."""

    @extend_schema(
        operation_id="tasks_cancel",
        summary="Cancel a task",
        parameters=[TASK_ID],
        request=None,
        responses={200: TaskDetailSerializer, **failures(404, 409)},
        tags=["tasks"],
    )
    def post(self, request: Request, task_id: str) -> Response:
        """CANCELLED, whether it waited or ran. The answer of a running call changes nothing."""
        refuse_body(request)
        task = services.cancel(caller(request), task_id)
        return Response(render_task(task))


class TaskRetryView(ApiView):
    """POST puts the task back into the queue."""

    @extend_schema(
        operation_id="tasks_retry",
        summary="Retry a task",
        parameters=[TASK_ID],
        request=None,
        responses={200: TaskDetailSerializer, **failures(404, 409)},
        tags=["tasks"],
    )
    def post(self, request: Request, task_id: str) -> Response:
        """PENDING again, with a fresh count of attempts; only for FAILED and CANCELLED tasks."""
        refuse_body(request)
        task = services.retry(caller(request), task_id)
        return Response(render_task(task))


class TaskCloneView(ApiView):
    """POST submits the same request again, with changes if any are given."""

    @extend_schema(
        operation_id="tasks_clone",
        summary="Clone a task",
        parameters=[TASK_ID, LOCATION],
        request=TaskCloneSerializer,
        responses={201: TaskDetailSerializer, **failures(400, 404, 413, 415)},
        tags=["tasks"],
    )
    def post(self, request: Request, task_id: str) -> Response:
        """A new task of yours with the same request. The body names what shall be different."""
        changes = None if request.data == {} else request.data
        return created(request, services.clone(caller(request), task_id, changes))


class TaskActionsView(ApiView):
    """POST does one thing to all tasks that a filter selects."""

    @extend_schema(
        operation_id="tasks_actions",
        summary="Act on many tasks",
        request=BulkActionSerializer,
        responses={200: BulkOutcomeSerializer, **failures(400, 409, 413, 415)},
        examples=_BULK_EXAMPLES,
        tags=["tasks"],
    )
    def post(self, request: Request) -> Response:
        """Retry, cancel or reprioritise the whole selection; `dry_run` counts it first."""
        order = clean(BulkActionSerializer, request.data)
        action = BulkAction(order["action"])
        outcome = act_on_all(
            caller(request),
            action,
            order["filter"],
            priority=order.get("priority"),
            dry_run=order["dry_run"],
            expected=order.get("eligible"),
        )
        return Response({"action": action.value, "dry_run": order["dry_run"], **asdict(outcome)})
