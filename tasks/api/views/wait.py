"""Waiting for a task: the one asynchronous view, so that a waiter keeps no thread busy."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import services
from tasks.api.representation import TaskDetailSerializer
from tasks.api.schema import TASK_ID, failures
from tasks.api.views.base import ApiView, caller
from tasks.errors import InvalidInput
from tasks.services.following import wait_until_terminal

DEFAULT_WAIT_S = 30.0
MAX_WAIT_S = 60.0

_TIMEOUT = OpenApiParameter(
    "timeout",
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": DEFAULT_WAIT_S},
    description="Seconds to wait at most.",
)


class TaskWaitView(ApiView):
    """Answers when the task has ended, or after `timeout` seconds, with the task as it is.

    DRF knows no asynchronous views. This one runs DRF's gate (keys, scopes, throttles) and DRF's
    rendering on a thread, and between the two waits on the event loop.
    """

    query_names = ("timeout",)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        async def view(request: HttpRequest, task_id: str) -> HttpResponseBase:
            return await cls(**initkwargs)._answer(request, task_id)

        # What DRF's own as_view leaves for whoever lists the views.
        view.cls = cls  # type: ignore[attr-defined]
        view.initkwargs = initkwargs  # type: ignore[attr-defined]
        exempt: Callable[..., Coroutine[Any, Any, HttpResponseBase]] = csrf_exempt(view)
        return exempt

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
        return Response(TaskDetailSerializer(task).data)

    async def _answer(self, request: HttpRequest, task_id: str) -> HttpResponseBase:
        refusal, key, timeout_s = await sync_to_async(self._admit)(request, task_id)
        if refusal is not None:
            return refusal
        await wait_until_terminal(key, timeout_s)
        return await sync_to_async(self._finish)(self.get, task_id)

    def _admit(
        self, request: HttpRequest, task_id: str
    ) -> tuple[HttpResponseBase | None, int, float]:
        """A refusal, or the key of a task that the caller may see and how long to wait."""
        self.setup(request, task_id=task_id)
        self.request = self.initialize_request(request, task_id=task_id)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, task_id=task_id)
            if self.request.method not in ("GET", "HEAD"):
                return self._finish(self._handler(), task_id), 0, 0
            timeout_s = _timeout_s(self.request)
            return None, services.get_task(caller(self.request), task_id).pk, timeout_s
        except Exception as exc:  # noqa: BLE001 - DRF re-raises what is no known refusal
            return self._render(self.handle_exception(exc)), 0, 0

    def _handler(self) -> Callable[..., Response]:
        """OPTIONS, or the refusal of a method that there is not."""
        name = str(self.request.method).lower()
        known = name in self.http_method_names
        return (
            getattr(self, name, self.http_method_not_allowed)
            if known
            else (self.http_method_not_allowed)
        )

    def _finish(self, handler: Callable[..., Response], task_id: str) -> HttpResponseBase:
        try:
            return self._render(handler(self.request, task_id=task_id))
        except Exception as exc:  # noqa: BLE001 - DRF re-raises what is no known refusal
            return self._render(self.handle_exception(exc))

    def _render(self, response: Response) -> HttpResponseBase:
        # Set where DRF's templates look for it, too.
        final = self.finalize_response(self.request, response, **self.kwargs)
        self.response = final
        return final


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
