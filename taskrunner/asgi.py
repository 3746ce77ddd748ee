"""The web process: MCP and the server's lifespan go to Starlette, everything else to Django."""

from __future__ import annotations

import os
from typing import cast

# Before the settings are read: a web process pools its database connections.
os.environ["TASKRUNNER_PROCESS"] = "web"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskrunner.settings")

from django.core.asgi import get_asgi_application
from starlette.types import ASGIApp, Receive, Scope, Send

django_app: ASGIApp = cast("ASGIApp", get_asgi_application())  # sets Django up

from mcp_bridge.http import http_app  # noqa: E402 - imports models, which exist only now
from mcp_bridge.resource_metadata import WELL_KNOWN  # noqa: E402
from taskrunner.batch_uploads import most_bytes_of  # noqa: E402
from taskrunner.body_cap import BodyCap  # noqa: E402
from taskrunner.one_hop import OneHopHandler  # noqa: E402
from tasks.engine.housekeeping import WEB_PATIENCE_S, Housekeeper  # noqa: E402

MCP_PATHS = ("/mcp", f"{WELL_KNOWN}/mcp")


_LONG = ("/wait/", "/events/", "/actions/", ".jsonl")


class Web:
    """One ASGI application of three. Django knows no lifespan, MCP needs one."""

    def __init__(self, mcp_app: ASGIApp) -> None:
        self._mcp_app = mcp_app
        self._short_calls = OneHopHandler()
        self._housekeeper = Housekeeper(patience_s=WEB_PATIENCE_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # once, as the server starts
            self._housekeeper.start()
        await self._app_for(scope)(scope, receive, send)

    def _app_for(self, scope: Scope) -> ASGIApp:
        if _is_for_mcp(scope):
            return self._mcp_app
        return self._short_calls if _is_short(scope["path"]) else django_app


def _is_for_mcp(scope: Scope) -> bool:
    return bool(scope["type"] == "lifespan" or scope["path"] in MCP_PATHS)


def _is_short(path: str) -> bool:
    """A call of the API that neither waits nor streams nor moves thousands of tasks."""
    is_api = path.startswith("/api/") and not path.startswith("/api/batches/")
    return is_api and not path.endswith(_LONG)


application = BodyCap(Web(http_app()), allowance=most_bytes_of)
