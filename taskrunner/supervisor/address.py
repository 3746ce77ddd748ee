"""The listening socket, bound by the supervisor: web may die and return, the port stays ours."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from taskrunner.supervisor.refusal import StartRefused

_BACKLOG = 2048
_REASONS = {
    errno.EADDRINUSE: "is in use. Stop what uses it, or choose another with --port",
    errno.EACCES: "needs rights that this user lacks. Choose one above 1023 with --port",
    errno.EADDRNOTAVAIL: "cannot be bound: this machine has no such address. Check --host",
}


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Requests that come while web restarts wait in its backlog.

    Raises:
        StartRefused: somebody else listens there, or the address is not this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise StartRefused(f"--host {host}: no such address ({error.strerror}).") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(AttributeError):
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, f"cannot be bound: {error.strerror}")
        raise StartRefused(f"Port {port} on {host} {reason}.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
