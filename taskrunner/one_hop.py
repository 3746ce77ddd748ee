"""Django for calls that are answered at once: one move to a thread, where Django makes a dozen.

Under ASGI Django moves to a thread for each synchronous middleware, for the view, for the signals
and for the end of a request, and starts that thread anew each time. That is more work than most of
our calls are. Here the body is gathered on the event loop, and all the rest is done on one thread
of a pool, where a thread, and on SQLite its connection too, serves one request after the other.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from starlette.types import Scope

_THREADS = 16  # as many as the pool has connections


class OneHopHandler(ASGIHandler):
    """Serves synchronous views. Streamed answers belong to Django's own handler."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:  # its client has left
            return
        loop = asyncio.get_running_loop()
        # A context of its own: what a thread remembers of one request is not the next one's.
        head, content = await loop.run_in_executor(
            self._threads, Context().run, self._answer, scope, body
        )
        await send(head)
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, body: IO[bytes]) -> tuple[dict[str, Any], bytes]:
        """The whole answer, as two ASGI messages have it."""
        signals.request_started.send(sender=type(self), scope=scope)
        set_script_prefix(get_script_prefix(scope))
        with body:
            request, refusal = self.create_request(scope, body)
            response: Any = refusal if request is None else self.get_response(request)
            response._handler_class = type(self)
            head, content = _head(response), _content(response)
        if connection.vendor == "sqlite":
            connection.close_at = None  # it is this thread's, and the thread stays
        response.close()  # and with it the request: the signal gives connections back
        return head, content


def _content(response: Any) -> bytes:
    """All of it: what may be long is not served here."""
    content: bytes = b"".join(response) if response.streaming else response.content
    return content


def _head(response: HttpResponseBase) -> dict[str, Any]:
    fields = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    fields += [
        (b"Set-Cookie", cookie.output(header="").lstrip().encode("ascii"))
        for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": fields}
