"""Submitting, listing, and one task: look, change, delete."""

from __future__ import annotations

import json

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import services
from tasks.api.conditional import answer_if_changed
from tasks.api.filtering import TaskFilterBackend
from tasks.api.pagination import TaskPagination
from tasks.api.representation import (
    TaskDetailSerializer,
    TaskSerializer,
    render_task,
    render_tasks,
    render_text,
)
from tasks.api.requests import TaskChangesSerializer
from tasks.api.schema import (
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LOCATION,
    NOT_CHANGED,
    TASK_ID,
    failures,
)
from tasks.api.views.base import ApiView, caller, created, refuse_unknown
from tasks.querysets import TaskQuerySet
from tasks.services.submission import SubmissionSerializer

_SUBMIT_EXAMPLES = [
    OpenApiExample("Small", {"prompt": "Say hello in one word."}, request_only=True),
    OpenApiExample(
        "Urgent, with tags",
        {"prompt": "Summarise: …", "provider": "auto", "priority": 10, "tags": ["news"]},
        request_only=True,
    ),
]


class TaskListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """Your tasks (all of them, for staff). POST submits one more."""

    serializer_class = SubmissionSerializer
    filter_backends = (TaskFilterBackend,)
    pagination_class = TaskPagination
    query_names = None  # GET: the filters know; POST: below

    def get_queryset(self) -> TaskQuerySet:
        return services.visible_tasks(caller(self.request))

    @extend_schema(
        operation_id="tasks_list",
        summary="List tasks",
        responses={200: TaskSerializer(many=True), **failures(400)},
        tags=["tasks"],
    )
    def get(self, request: Request) -> Response:
        """One page of tasks, the newest first. All filters given must be met."""
        rows = self.filter_queryset(self.get_queryset()).select_related(
            "owner", "template_version__template"
        )
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(render_tasks(page or []))

    @extend_schema(
        operation_id="tasks_create",
        summary="Submit a task",
        request=SubmissionSerializer,
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        responses={201: TaskDetailSerializer, **failures(400, 413, 415, 422)},
        examples=_SUBMIT_EXAMPLES,
        tags=["tasks"],
    )
    def post(self, request: Request) -> Response:
        """Accept one prompt. Once this answers, the task is on disk and will be run."""
        refuse_unknown(request, ())
        user = caller(request)
        submitted = services.submit(
            user,
            request.data,
            idempotency_key=request.headers.get("Idempotency-Key"),
            render=render_text,
        )
        response = created(request, submitted.task)
        if submitted.is_replay:
            response["Idempotency-Replayed"] = "true"
        if submitted.record is not None and submitted.record.answer is not None:
            response.data = json.loads(submitted.record.answer)
        return response


class TaskView(ApiView):
    """One task with its attempts."""

    @extend_schema(
        operation_id="tasks_retrieve",
        summary="Look at a task",
        parameters=[TASK_ID, IF_NONE_MATCH],
        responses={200: TaskDetailSerializer, 304: NOT_CHANGED, **failures(404)},
        tags=["tasks"],
    )
    def get(self, request: Request, task_id: str) -> Response:
        """The task as it stands, with the log of its attempts; 304 if that is what you have."""
        task = services.get_task(caller(request), task_id)
        return answer_if_changed(request, render_task(task))

    @extend_schema(
        operation_id="tasks_partial_update",
        summary="Change a waiting task",
        parameters=[TASK_ID],
        request=TaskChangesSerializer,
        responses={200: TaskDetailSerializer, **failures(400, 404, 409, 413, 415)},
        tags=["tasks"],
    )
    def patch(self, request: Request, task_id: str) -> Response:
        """Another priority or other tags, while the task is PENDING."""
        task = services.change(caller(request), task_id, request.data)
        return Response(render_task(task))

    @extend_schema(
        operation_id="tasks_destroy",
        summary="Delete an ended task",
        parameters=[TASK_ID],
        responses={204: None, **failures(404, 409)},
        tags=["tasks"],
    )
    def delete(self, request: Request, task_id: str) -> Response:
        """Gone for good, with its attempts. Only a task that has ended can be deleted."""
        services.delete(caller(request), task_id)
        return Response(status=204)
