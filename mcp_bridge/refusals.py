"""A body that is no message, refused as on stdio: of it the SDK tells in its validator's words, the
input among them."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PLAIN = {
    PARSE_ERROR: {"code": PARSE_ERROR, "message": "Parse error"},
    # Params can only be wrong in a message, whose id would be told.
    INVALID_PARAMS: {"code": INVALID_REQUEST, "message": "Invalid request"},
}


class PlainRefusals:
    """ASGI: what `app` answers, but for refusals of no message in particular."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: Message | None = None

        async def forward(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and message["status"] == 400:
                held = message
                return
            if held is not None:
                start, held = held, None
                if plain := _plain(message.get("body", b"")):
                    await JSONResponse(plain, status_code=400)(scope, receive, send)
                    return
                await send(start)
            await send(message)

        await self._app(scope, receive, forward)


def _plain(body: bytes) -> dict[str, Any] | None:
    """The refusal in plain words; None if `body` is another."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    match told:
        case {"id": None, "error": {"code": int(code)}} if code in _PLAIN:
            return {"jsonrpc": "2.0", "id": None, "error": _PLAIN[code]}
    return None
