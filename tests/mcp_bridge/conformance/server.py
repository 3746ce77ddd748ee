"""The product's HTTP door for judges that cannot send a key.

`python -m tests.mcp_bridge.conformance.server KEY PORT [--fixtures]`
"""

from __future__ import annotations

import os
import sys

import anyio
import django
from starlette.types import ASGIApp, Receive, Scope, Send


class WithKey:
    """ASGI: each request carries the key, as if the judge had sent it."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {key}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = scope | {"headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)


def main(key: str, port: str, *options: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskrunner.settings")
    django.setup()
    from mcp_bridge import http, server

    if "--fixtures" in options:
        from tests.mcp_bridge.conformance import fixtures

        server.Handlers = fixtures.WithFixtures
        server.input_schema_of = fixtures.input_schema_of
    app = WithKey(http.http_app(), key)
    anyio.run(http.serve_http, app, http.listen("127.0.0.1", int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
