"""No request may fill the disk: Django writes a whole body down before any view sees it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 16 * 1024 * 1024
Allowance = Callable[[Scope], Awaitable[int]]
"""How many bytes a request may have that is larger than the cap; 0: no more than any."""


class BodyCap:
    """Bodies over `most_bytes`, or their allowance, are answered 413, if they say their length."""

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
        if _length(scope) > most:
            await self._refuse(send, most)
        else:
            await self._app(scope, self._counted(receive, most), send)

    def _counted(self, receive: Receive, most: int) -> Receive:
        """A body without a length is cut off: to the application its client has left."""
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return {"type": "http.disconnect"} if seen > most else message

        return receive_counted

    async def _refuse(self, send: Send, most: int) -> None:
        message = f"The body is larger than {most} bytes. Send less."
        error = {"code": "PAYLOAD_TOO_LARGE", "message": message, "request_id": None}
        body = json.dumps({"error": error}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _length(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0
