"""Sockets and connections that keep one total deadline, from connecting to the last byte.

A timeout of `requests` bounds each read, so a server that drips a byte now and then holds its
caller for ever. Here every read and write of a call may only take what is left of that call's
time. That needs no watching thread, so there is nothing to lose in a fork. The one step without
a bound of ours is the resolver's name look-up, which has its own (resolv.conf).
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

CONNECT_TIMEOUT_S = 10.0
"""Longest wait for one address to take the connection: a dead host must not hold a slot."""

IDLE_LIMIT_S = 4.0
"""Age at which an idle connection is not used again. Common servers close theirs after 5 s or
more; a request sent into such a close may or may not have been read, and nobody can tell."""


@dataclass(kw_only=True)
class Call:
    """The call that this thread is making. `may_resend`: a kept connection broke before the
    whole request had been handed over, so no server can have acted on it."""

    deadline: float = math.inf  # time.monotonic()
    may_resend: bool = False
    sock: socket.socket | None = None

    def left_s(self) -> float:
        """Seconds left, always positive. Raises: TimeoutError when there are none."""
        left_s = self.deadline - monotonic()
        if left_s <= 0:
            raise TimeoutError("the call's total deadline has passed")
        return left_s

    def end(self) -> None:
        """From another thread: whatever the call waits for fails at once, all but a connect."""
        self.deadline = -math.inf
        self.may_resend = False
        if self.sock is not None:
            with suppress(OSError):  # it may be closed already
                # Not SSLSocket's, which would take the state away under the thread that reads.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Current(threading.local):
    call = Call()


current = _Current()
"""urllib3 offers no other way from a request to the socket that carries it."""


class _Deadlined(socket.socket):
    """A socket whose operations end at its call's deadline."""

    call = Call()
    used_at = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.call.left_s())
        count = super().recv_into(*args, **kwargs)
        self.used_at = monotonic()
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.call.left_s())
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.call.left_s())
        super().sendall(*args, **kwargs)


class _DeadlinedTLS(_Deadlined, ssl.SSLSocket):
    """The same over TLS; the handshake is bounded by the timeout the plain socket had."""


def _connect(host: str, port: int, call: Call) -> socket.socket:
    """A connected socket to the first of the host's addresses that takes the connection."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        sock = _Deadlined(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(CONNECT_TIMEOUT_S, call.left_s()))
            sock.connect(address)
            sock.settimeout(call.left_s())
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Connection(HTTPConnection):
    """A connection that keeps the deadline of whichever call uses it."""

    requests_begun = 0
    idle_limit_s = IDLE_LIMIT_S

    def _new_conn(self) -> socket.socket:
        self.requests_begun = 0
        return _connect(self.host.strip("[]"), self.port or self.default_port, current.call)

    def connect(self) -> None:
        super().connect()
        self._adopt(current.call)

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = current.call
        call.may_resend = self.requests_begun > 0
        self._adopt(call)
        super().request(*args, **kwargs)
        self.requests_begun += 1
        call.may_resend = False

    def _adopt(self, call: Call) -> None:
        if isinstance(self.sock, _Deadlined):
            self.sock.call = call
            call.sock = self.sock

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use this connection again: open, silent, and not idle for long."""
        sock = self.sock
        if isinstance(sock, _Deadlined) and monotonic() - sock.used_at > self.idle_limit_s:
            return False
        return super().is_connected


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def tls_context() -> ssl.SSLContext:
    """Verifies against certifi's and the system's authorities; `SSL_CERT_FILE` adds one's own.

    Making one takes some 30 ms, so each client makes one and keeps it, in forks too.
    """
    context = create_urllib3_context()
    context.load_verify_locations(certifi.where())
    context.load_default_certs()
    context.sslsocket_class = _DeadlinedTLS
    return context


class DeadlineAdapter(HTTPAdapter):
    """Makes `requests` use these connections, with one TLS context for all of them."""

    def __init__(self, *, pool_size: int, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the context verifies. `requests` would load all authorities per connection."""
