"""No request may fill the disk: Django writes a whole body down before any view sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.middleware import request_id_of

MOST_BYTES = 16 * 1024 * 1024
_MOST_UNHEARD = 256 * 1024 * 1024
_LINGER_S = 30.0  # and 5 s for a silent client, both as nginx's lingering_close has them
_SILENCE_S = 5.0
Allowance = Callable[[Scope], Awaitable[int]]
"""How many bytes a request may have that is larger than the cap; 0: no more than any."""


class BodyCap:
    """Bodies over `most_bytes`, or their allowance, are answered 413, and are not kept.

    One that says its length is refused unread; of one that does not, the application reads as much
    as it may have, and then hears that its client has left.
    """

    def __init__(
        self, app: ASGIApp, most_bytes: int = MOST_BYTES, allowance: Allowance | None = None
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._allowance = allowance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_bytes
        if self._allowance is not None:
            most = max(most, await self._allowance(scope))
        call = _CappedCall(receive, send, most)
        if _length(scope) <= most:
            await self._app(scope, call.receive, call.send)
        if (_length(scope) > most or call.is_cut) and not call.is_answered:
            await _refuse(scope, receive, send, most)


class _CappedCall:
    """What one request's application reads and sends. `is_cut`: the body was too long."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive = receive
        self._send = send
        self._left = most
        self.is_cut = False
        self.is_answered = False

    async def receive(self) -> Message:
        if self.is_cut:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        self.is_cut = self._left < 0
        return {"type": "http.disconnect"} if self.is_cut else message

    async def send(self, message: Message) -> None:
        self.is_answered = True
        await self._send(message)


async def _refuse(scope: Scope, receive: Receive, send: Send, most: int) -> None:
    request_id = request_id_of(Headers(scope=scope).get("x-request-id", ""))
    message = f"The body is larger than {most} bytes. Send less."
    error = {"code": "PAYLOAD_TOO_LARGE", "message": message, "request_id": request_id}
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    # A connection that is closed while bytes come in is reset, and the answer with it.
    with contextlib.suppress(TimeoutError):
        await _let_pass(receive)
    await send({"type": "http.response.body", "body": b""})


async def _let_pass(receive: Receive) -> None:
    """The rest of a body, or much of it, unkept. Raises: TimeoutError."""
    left = _MOST_UNHEARD
    async with asyncio.timeout(_LINGER_S):
        while left > 0:
            message = await asyncio.wait_for(receive(), _SILENCE_S)
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                return


def _length(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0
