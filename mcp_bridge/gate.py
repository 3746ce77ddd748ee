"""The HTTP door's gate: right host and origin, a POST, a key; only then does MCP begin."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.conf import settings
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_bridge.caller import Caller
from mcp_bridge.database import on_thread
from mcp_bridge.resource_metadata import describe_resource, metadata_url
from tasks.errors import DatabaseUnavailable
from tasks.services.api_keys import find_api_key
from tasks.services.rates import count_event
from tasks.vocabulary import Scope as KeyScope

CALLER = "taskrunner.caller"
_WINDOW_S = 60
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_LOOPBACK_ORIGINS = tuple(
    f"{scheme}://{host}" for scheme in ("http", "https") for host in _LOOPBACK_HOSTS
)
log = structlog.get_logger(__name__)


def transport_security(hosts: Sequence[str], origins: Sequence[str]) -> TransportSecuritySettings:
    """Allow-lists, loopback where nothing is said. A name without a port allows every port."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=_with_ports(hosts or _LOOPBACK_HOSTS),
        allowed_origins=_with_ports(origins or _LOOPBACK_ORIGINS),
    )


class Gate:
    """ASGI: what passes carries its `Caller` in the scope. Keys in the URL are never looked at."""

    def __init__(
        self, app: ASGIApp, *, security: TransportSecuritySettings, is_read_only: bool = False
    ) -> None:
        self._app = app
        self._security = TransportSecurityMiddleware(security)
        self._is_read_only = is_read_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Blanks around a value are no part of it (RFC 9110, 5.5); not every HTTP parser knows that.
        headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        scope = {**scope, "headers": headers}
        request = Request(scope, receive)
        refusal = await self._security.validate_request(request)
        if refusal is None and request.method != "POST":
            # Without sessions there is nothing to listen to, and nothing to delete.
            refusal = Response(status_code=405, headers={"Allow": "POST"})
        if refusal is None:
            refusal = await self._identify(request)
        await (refusal or self._app)(scope, receive, send)

    async def _identify(self, request: Request) -> Response | None:
        address = request.client.host if request.client else ""
        words = request.headers.get("authorization", "").split()
        try:
            caller = None
            if len(words) == 2 and words[0].lower() == "bearer":
                caller = await on_thread(lambda: self._find_caller(words[1]))
            if caller is not None:
                request.scope[CALLER] = caller
                return None
            has_key = len(words) > 1
            challenge = _challenge(request, has_key=bool(words))
            return await on_thread(lambda: _refuse(address, challenge, has_key=has_key))
        except DatabaseUnavailable as fault:
            return _error(503, fault.code, fault.message, {"Retry-After": "5"})

    def _find_caller(self, key: str) -> Caller | None:
        row = find_api_key(key)
        if row is None:
            return None
        return Caller(
            user_id=row.user_id,
            user=row.user,
            can_write=row.allows(KeyScope.WRITE) and not self._is_read_only,
            key_id=row.pk,
            calls_a_minute=settings.API_CALLS_A_MINUTE,
        )


class MetadataGate:
    """ASGI: the metadata of the resource at `path`, for whoever has the right host and origin."""

    def __init__(self, path: str, security: TransportSecuritySettings) -> None:
        self._path = path
        self._security = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._security.validate_request(request)
        if response is None and request.method not in ("GET", "HEAD"):
            response = Response(status_code=405, headers={"Allow": "GET, HEAD"})
        await (response or describe_resource(request, self._path))(scope, receive, send)


def _challenge(request: Request, *, has_key: bool) -> str:
    """RFC 6750, 3: an error is named only to who sent something."""
    error = 'error="invalid_token", ' if has_key else ""
    where = metadata_url(request, request.url.path)
    return f'Bearer realm="mcp", {error}resource_metadata="{where}"'


def _refuse(address: str, challenge: str, *, has_key: bool) -> Response:
    """401, and 429 for an address that keeps guessing."""
    count, left_s = count_event(f"refused:{address}", _WINDOW_S)
    if count > settings.API_REFUSALS_A_MINUTE:
        wait = {"Retry-After": str(int(left_s) + 1)}
        return _error(429, "RATE_LIMITED", "Too many calls without a valid key.", wait)
    why = "This API key is unknown, revoked or expired. " if has_key else ""
    message = f"{why}Send a valid API key: Authorization: Bearer KEY."
    return _error(401, "NOT_AUTHENTICATED", message, {"WWW-Authenticate": challenge})


def _error(status: int, code: str, message: str, headers: dict[str, str]) -> Response:
    body = {"error": {"code": code, "message": message}}
    return JSONResponse(body, status_code=status, headers=headers)


def _with_ports(names: Sequence[str]) -> list[str]:
    """Each name, and where it says no port, the pattern for every port."""
    patterns = [f"{name}:*" for name in names if not _has_port(name)]
    return [*names, *patterns]


def _has_port(name: str) -> bool:
    host = name.rpartition("//")[2]
    return ":" in host.rpartition("]")[2]
