"""One POST to a stranger's address: looked up once, judged, and that very address is called.

No redirects, no proxies, no cookies, a total deadline, and nothing read but the status line and
the headers. The one step without a bound of ours is the resolver's, which has its own.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from tasks.policy.addresses import is_public

DEADLINE_S = 15.0
_CONNECT_S = 5.0
_GONE = 410


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How a try went. status: the answer's, None if there was none. error: why it does not count,
    None if it does."""

    status: int | None
    error: str | None
    duration_ms: int

    @property
    def is_accepted(self) -> bool:
        return self.error is None

    @property
    def is_unwanted(self) -> bool:
        """The receiver says that it wants no more messages, ever."""
        return self.status == _GONE


class AddressRefused(Exception):
    """The address is none that may be called from here."""


def post(
    url: str, body: bytes, headers: Mapping[str, str], allowed_hosts: Collection[str] = ()
) -> Sent:
    """Send once. allowed_hosts: names and addresses that are called wherever they lead."""
    started = time.monotonic()
    status, error = None, None
    try:
        status = _post(urlsplit(url), body, headers, allowed_hosts)
        error = _judge(status)
    except AddressRefused as refusal:
        error = str(refusal)
    except (TimeoutError, socket.gaierror, ssl.SSLError, OSError) as failure:
        error = _in_words(failure)
    except (http.client.HTTPException, ValueError, AttributeError) as failure:
        # AttributeError: what http.client meets when the deadline takes its socket away.
        error = f"No answer in HTTP ({type(failure).__name__})."
    took_s = time.monotonic() - started
    if took_s >= DEADLINE_S and (error is None or status is None):
        error = f"No answer within {DEADLINE_S:g} seconds."
    return Sent(status=status, error=error, duration_ms=round(took_s * 1000))


def _post(
    parts: SplitResult, body: bytes, headers: Mapping[str, str], allowed_hosts: Collection[str]
) -> int:
    host, is_tls = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    addresses = _look_up(host, port, is_public_only=host.lower() not in allowed_hosts)
    line = _connect(addresses, port)
    overdue = _Overdue(line)
    try:
        if is_tls:
            context = ssl.create_default_context()
            line = overdue.line = context.wrap_socket(
                line, server_hostname=host, do_handshake_on_connect=False
            )
            line.do_handshake()
        connection = http.client.HTTPConnection(host, port)
        connection.sock = line
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Host": parts.netloc, **headers})
        return connection.getresponse().status
    finally:
        overdue.cancel()
        line.close()


class _Overdue(threading.Timer):
    """When the deadline comes, whatever waits for `line`, dripping or not, waits no longer."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(DEADLINE_S, self._break_off)
        self.line = line
        self.daemon = True
        self.start()

    def _break_off(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.line, socket.SHUT_RDWR)  # an SSLSocket's own forgets more


def _look_up(host: str, port: int, *, is_public_only: bool) -> list[str]:
    """Raises: AddressRefused if a single one of its addresses is not public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if is_public_only and not all(is_public(address) for address in addresses):
        raise AddressRefused("Its host leads to an address that is not public.")
    return addresses


def _connect(addresses: list[str], port: int) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in addresses[:3]:
        try:
            line = socket.create_connection((address, port), _CONNECT_S)
        except OSError as refusal:
            failure = refusal
            continue
        line.settimeout(DEADLINE_S)
        return line
    raise failure


def _judge(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answered {status}; redirects are not followed."
    return f"It answered {status}."


def _in_words(failure: OSError) -> str:
    if isinstance(failure, socket.gaierror):
        return "Its host has no address."
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"Its certificate is not valid: {failure.verify_message}."[:200]
    if isinstance(failure, TimeoutError):
        return "It did not answer in time."
    return f"The connection failed ({failure.strerror or type(failure).__name__})."[:200]
