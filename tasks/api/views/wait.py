"""Waiting for a task, without keeping a thread busy."""

from __future__ import annotations

import math
from typing import Any

from asgiref.sync import sync_to_async
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import services
from tasks.api.representation import TaskDetailSerializer, render_task
from tasks.api.schema import TASK_ID, failures
from tasks.api.views.asynchronous import AsyncApiView
from tasks.api.views.base import caller
from tasks.errors import InvalidInput
from tasks.services.following import wait_until_terminal

DEFAULT_WAIT_S = 30.0
MAX_WAIT_S = 60.0

_TIMEOUT = OpenApiParameter(
    "timeout",
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": DEFAULT_WAIT_S},
    description="Seconds to wait at most.",
)


class TaskWaitView(AsyncApiView):
    """Answers when the task has ended, or after `timeout` seconds, with the task as it is."""

    query_names = ("timeout",)

    @extend_schema(
        operation_id="tasks_wait",
        summary="Wait for a task",
        parameters=[TASK_ID, _TIMEOUT],
        responses={200: TaskDetailSerializer, **failures(400, 404)},
        tags=["tasks"],
    )
    def get(self, request: Request, task_id: str) -> Response:
        """The task once it has ended, or as it stands after `timeout` seconds."""
        task = services.get_task(caller(request), task_id)
        return Response(render_task(task))

    def admit(self, **kwargs: str) -> tuple[int, float]:
        """The task's key and how long to wait."""
        timeout_s = _timeout_s(self.request)
        return services.get_task(caller(self.request), kwargs["task_id"]).pk, timeout_s

    async def go_on(self, admitted: Any) -> HttpResponseBase:
        key, timeout_s = admitted
        await wait_until_terminal(key, timeout_s)
        return await sync_to_async(self.finish)(self.get)


def _timeout_s(request: Request) -> float:
    """Raises: InvalidInput."""
    values = request.query_params.getlist("timeout")
    if not values:
        return DEFAULT_WAIT_S
    try:
        seconds = float(values[0])
    except ValueError:
        seconds = math.nan
    if len(values) > 1 or not 0 <= seconds <= MAX_WAIT_S:
        raise InvalidInput({"timeout": [f"Must be a number of seconds from 0 to {MAX_WAIT_S:g}."]})
    return seconds
