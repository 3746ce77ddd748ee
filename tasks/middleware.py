"""What every request passes: an id, the page's security policy, static files.

All three serve synchronous and asynchronous requests without moving them to a thread: one
synchronous middleware would hold a thread for as long as an asynchronous view waits.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from tasks.services.audit import Actor, enter
from tasks.vocabulary import Door

type_next = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",  # Swagger UI draws its arrows as data: pictures
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class TwoWayMiddleware:
    """Calls `before`, the next one, `after`; awaits the next one only if it is asynchronous."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: type_next) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)  # Django asks the instance, not its call

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._call_async(request)
        self.before(request)
        return self.after(request, cast(HttpResponseBase, self.get_response(request)))

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        self.before(request)
        response = await cast(Awaitable[HttpResponseBase], self.get_response(request))
        return self.after(request, response)

    def before(self, request: HttpRequest) -> None:
        """Look at the request on its way in."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response on its way out."""
        return response


def request_id_of(given: str) -> str:
    """The id that a client gave if it is sane, else a new one."""
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


class RequestIdMiddleware(TwoWayMiddleware):
    """`X-Request-ID`: the client's own if it is sane, else a new one; in every line of the log."""

    def before(self, request: HttpRequest) -> None:
        request_id = request_id_of(request.headers.get("X-Request-ID", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()  # threads are used again
        structlog.contextvars.bind_contextvars(request_id=request_id)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


def _door_of(path: str) -> Door:
    if path.startswith("/admin/"):
        return Door.ADMIN
    return Door.API if path.startswith("/api/") else Door.PAGES


class ActorMiddleware(TwoWayMiddleware):
    """Whoever this request comes from acts while it lasts. Asked late: DRF learns who it is after
    every middleware."""

    def before(self, request: HttpRequest) -> None:
        door = _door_of(request.path)

        def who() -> Actor:
            key = getattr(request, "auth", None)
            return Actor(
                door=door,
                user=getattr(request, "user", None),
                key_id=getattr(key, "pk", None),
            )

        enter(who)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        enter(None)  # threads are used again
        return response


class ContentSecurityPolicyMiddleware(TwoWayMiddleware):
    """Scripts and styles come from the project's own files alone; nobody frames a page."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, which by itself is synchronous only."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: type_next) -> None:
        super().__init__(get_response)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Nothing to add, and nothing to warn of, where nobody ran collectstatic."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def __call__(self, request: HttpRequest) -> Any:
        if not self._is_async:
            return super().__call__(request)
        return self._call_async(request)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(self.static_prefix):
            found = await sync_to_async(self._find)(request.path_info)
            if found is not None:
                served: FileResponse = await sync_to_async(self.serve)(found, request)
                parts = cast("Iterator[bytes]", served.streaming_content)
                served.streaming_content = _read_on(iter(parts))
                return served
        response: HttpResponseBase = await self.get_response(request)
        return response

    def _find(self, path: str) -> Any:
        return self.find_file(path) if self.autorefresh else self.files.get(path)


async def _read_on(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same parts for the event loop; each read of the disk is on a thread."""
    while part := await sync_to_async(lambda: next(parts, b""))():
        yield part
