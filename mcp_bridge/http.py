"""Streamable HTTP: the ASGI application that the web process mounts, and a server of its own."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from mcp_bridge.caller import Caller
from mcp_bridge.gate import CALLER, Gate, MetadataGate, transport_security
from mcp_bridge.identity import Context
from mcp_bridge.refusals import PlainRefusals
from mcp_bridge.resource_metadata import WELL_KNOWN
from mcp_bridge.server import build_server
from tasks.conf import get_conf
from tasks.services.following import end_all_waits
from tasks.services.live import end_all_streams

_STOP_GRACE_S = 3
_MOST_BODY_BYTES = 1_048_576
_ALREADY_JUDGED = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # by the gate


def http_app(*, path: str = "/mcp", is_read_only: bool = False) -> Starlette:
    """MCP at `path`, without sessions; its lifespan must be run. One application runs once."""
    conf = get_conf()
    security = transport_security(conf.mcp_allowed_hosts, conf.mcp_allowed_origins)
    manager = StreamableHTTPSessionManager(
        build_server(_caller_of, has_sessions=False),
        stateless=True,
        security_settings=_ALREADY_JUDGED,
        max_request_body_size=_MOST_BODY_BYTES,
    )
    app = PlainRefusals(manager.handle_request)
    gate = Gate(app, security=security, is_read_only=is_read_only)
    routes = [
        Route(path, endpoint=gate),
        Route(f"{WELL_KNOWN}{path}", endpoint=MetadataGate(path, security)),
    ]
    return Starlette(routes=routes, lifespan=lambda app: manager.run())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything else starts.

    Raises:
        OSError: the address is taken, not this machine's, or no address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # Its connections inherit this. asyncio sets it for sockets of its own making alone, and
    # without it the second half of each answer waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve_http(app: Starlette, listener: socket.socket) -> None:
    """Until SIGINT or SIGTERM comes; calls in flight have a few seconds to end."""
    config = uvicorn.Config(
        app,
        lifespan="on",
        timeout_graceful_shutdown=_STOP_GRACE_S,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = _Uvicorn(config)
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_on_signal, server)
        await server.serve(sockets=[listener])
        group.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn would raise them again at the end, and leave by them."""
        yield


async def _stop_on_signal(server: uvicorn.Server) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            end_all_streams()  # these and waits would hold a stop for all of its grace
            end_all_waits()
            server.should_exit = True


def _caller_of(ctx: Context) -> Caller:
    assert ctx.request is not None  # noqa: S101 - every HTTP request has passed the gate
    caller: Caller = ctx.request.scope[CALLER]
    return caller
