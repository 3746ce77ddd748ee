"""Many clients of an HTTP server at once, in one thread that costs little beside the server."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_CHUNK = 262_144


@dataclass(kw_only=True)
class Load:
    """What so many clients got, each asking again as soon as it was answered."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_ms) / self.seconds


class _Client:
    """One connection that stays open, with one request under way."""

    def __init__(self, port: int, requests: Iterator[bytes], wanted: bytes) -> None:
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._wanted = b"HTTP/1.1 " + wanted
        self._sent_at = 0.0
        self._answer = b""
        self._length: int | None = None

    def ask(self) -> None:
        self._answer, self._length = b"", None
        self._sent_at = time.perf_counter()
        self.line.sendall(next(self._requests))

    def take(self) -> float | None:
        """Milliseconds since the request, if its answer is complete. Raises: RuntimeError."""
        piece = self.line.recv(_CHUNK)
        self._answer += piece
        if not piece:
            raise RuntimeError(f"hung up after {self._answer[:500]!r}")
        if self._length is None:
            self._length = self._whole_length()
        if self._length is None or len(self._answer) < self._length:
            return None
        if not self._answer.startswith(self._wanted):
            raise RuntimeError(self._answer[:2000].decode(errors="replace"))
        return (time.perf_counter() - self._sent_at) * 1000

    def _whole_length(self) -> int | None:
        head, end, _ = self._answer.partition(b"\r\n\r\n")
        if not end:
            return None
        _, _, rest = head.lower().partition(b"content-length:")
        return len(head) + len(end) + int(rest.partition(b"\r\n")[0])


def drive(
    port: int,
    clients: int,
    seconds: float,
    requests_of: Callable[[int], Iterator[bytes]],
    wanted: bytes = b"200",
) -> Load:
    """Let `clients` ask for so long. requests_of: what client N asks, one after the other.

    Raises:
        RuntimeError: an answer had another status than `wanted`.
    """
    load = Load()
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ears:
        for number in range(clients):
            client = _Client(port, requests_of(number), wanted)
            stack.callback(client.line.close)
            ears.register(client.line, selectors.EVENT_READ, client)
            client.ask()
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            for found, _ in ears.select(1.0):
                if (took_ms := found.data.take()) is not None:
                    load.latencies_ms.append(took_ms)
                    found.data.ask()
        load.seconds = time.perf_counter() - started
    return load


def request(method: str, path: str, key: str = "", body: bytes = b"") -> bytes:
    """The bytes of a request that keeps its connection open."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
