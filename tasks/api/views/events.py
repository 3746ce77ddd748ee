"""Server-sent events: one task's, or all that the caller may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from django.db import Error
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tasks import services
from tasks.api.schema import TASK_ID, failures
from tasks.api.views.asynchronous import AsyncApiView
from tasks.api.views.base import caller
from tasks.errors import InvalidInput
from tasks.models import ApiKey, EventPlace
from tasks.services.api_keys import is_still_welcome
from tasks.services.feeds import Audience, Told
from tasks.services.live import this_loops_pump
from tasks.services.streams import audience_of, follow, is_all_told

_MEDIA_TYPE = "text/event-stream"
_RETRY_MS = 2_000
ASK_AGAIN_S = 10.0
"""So long, at most, a stream tells events to a caller who is welcome no more."""
_LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="The `id` of the last event seen: the stream begins with what came after it.",
)
_EXAMPLE = OpenApiExample(
    "An event",
    "id: 8131-52\nevent: task.completed\n"
    'data: {"id": 42, "status": "COMPLETED", "type": "task.completed", "at": …}\n\n',
    media_type=_MEDIA_TYPE,
)
_STREAM = OpenApiResponse(OpenApiTypes.STR, "Events as they happen.", [_EXAMPLE])


class StreamView(AsyncApiView):
    """Whatever is accepted, a stream is what there is here; refusals are JSON."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return JSONRenderer(), JSONRenderer.media_type

    async def go_on(self, admitted: Any) -> HttpResponseBase:
        if admitted is None:
            return HttpResponse(status=204)  # tells a browser to come back no more
        audience, after = admitted
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if self.request.method == "HEAD":
            return HttpResponse(content_type=_MEDIA_TYPE, headers=headers)
        request = self.request
        key = request.auth if isinstance(request.auth, ApiKey) else None
        messages = _messages(audience, after, partial(is_still_welcome, caller(request), key))
        return StreamingHttpResponse(messages, content_type=_MEDIA_TYPE, headers=headers)


class TaskEventsView(StreamView):
    """What happens to one task, until it has ended."""

    @extend_schema(
        operation_id="tasks_events",
        summary="Follow a task",
        parameters=[TASK_ID, _LAST_EVENT_ID],
        responses={
            (200, _MEDIA_TYPE): _STREAM,
            204: OpenApiResponse(description="The end was seen; there is nothing to come."),
            **failures(400, 404),
        },
        tags=["events"],
    )
    def get(self, request: Request, task_id: str) -> Response:
        """How the task stands, then each change, until it has ended. A stream that breaks goes
        on at `Last-Event-ID`."""
        raise NotImplementedError  # described here, answered by `go_on`

    def admit(self, **kwargs: str) -> tuple[Audience, EventPlace | None] | None:
        after = _last_event(self.request)
        task = services.get_task(caller(self.request), kwargs["task_id"])
        return None if is_all_told(task, after) else (Audience(task_id=task.pk), after)


class EventsView(StreamView):
    """What happens to all of your tasks (to everybody's, for staff)."""

    @extend_schema(
        operation_id="events",
        summary="Follow everything",
        parameters=[_LAST_EVENT_ID],
        responses={(200, _MEDIA_TYPE): _STREAM, **failures(400)},
        tags=["events"],
    )
    def get(self, request: Request) -> Response:
        """Every change from now on, or from `Last-Event-ID` on, for at most 15 minutes at a time;
        then ask again with the last `id`. Events are kept for a day."""
        raise NotImplementedError  # described here, answered by `go_on`

    def admit(self, **kwargs: str) -> tuple[Audience, EventPlace | None]:
        return audience_of(caller(self.request)), _last_event(self.request)


async def _messages(
    audience: Audience, after: EventPlace | None, is_welcome: Callable[[], bool]
) -> AsyncIterator[str]:
    """A key that is revoked meanwhile, or a user switched off, ends the stream, too."""
    yield f"retry: {_RETRY_MS}\n\n"
    clock = asyncio.get_running_loop().time
    asked_at = clock()
    async for told in follow(audience, after):
        if clock() - asked_at >= ASK_AGAIN_S:
            if not await _ask(is_welcome):
                return
            asked_at = clock()
        yield ": still here\n\n" if told is None else _message(told)


async def _ask(is_welcome: Callable[[], bool]) -> bool:
    try:
        return await this_loops_pump().on_thread(is_welcome)
    except Error:
        return True  # the database is away, and so are the events


def _message(told: Told) -> str:
    place = "" if told.place is None else f"id: {told.place}\n"
    return f"{place}event: {told.kind}\ndata: {told.data}\n\n"


def _last_event(request: Request) -> EventPlace | None:
    """Raises: InvalidInput: no id that a stream has sent."""
    text = request.headers.get("Last-Event-ID", "").strip()
    if not text:
        return None
    try:
        return EventPlace.parse(text)
    except ValueError:
        rule = "Must be the id of an event as a stream sent it, or 0 for all that are kept."
        raise InvalidInput({"Last-Event-ID": [rule]}) from None
