"""The fake provider's HTTP: the least that lets one small loop hold hundreds of slow calls."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from tests.fakes.answers import PATHS, answer
from tests.fakes.behaviour import Behaviour, Fault
from tests.fakes.control import control
from tests.fakes.stream import events
from tests.fakes.switchboard import Received, Switchboard

LINGER_RESET = struct.pack("ii", 1, 0)  # close() sends RST instead of FIN
DRIPS = {Fault.DRIP_HEAD, Fault.DRIP_CONTINUE, Fault.DRIP_BODY, Fault.DRIP_BLANK_LINES}
STREAMS = {Fault.NONE, Fault.TRUNCATE, Fault.CUT_STREAM, Fault.ERROR_EVENT, Fault.DRIP_EVENTS,
           Fault.HUGE_STREAM}  # fmt: skip
BLOCK = b"0" * 65536


class Wire(asyncio.Protocol):
    """One connection: requests one after another, each answered as the switchboard says."""

    transport: asyncio.Transport

    def __init__(self, board: Switchboard, loop: asyncio.AbstractEventLoop) -> None:
        self.board, self.loop = board, loop
        self.buffer = b""
        self.record: Received | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.source: Iterator[bytes] | None = None  # of a body too big to hold
        self.is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.number = self.board.connect()
        self.board.transports.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.board.transports.discard(self.transport)
        self.source = None
        if self.timer:
            self.timer.cancel()
        self.finish("client_left")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.record is None:
            self.read_request()

    def read_request(self) -> None:
        """Begin the next request, if all of it has come."""
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _ = lines[0].split(" ", 2)
        body = json.loads(rest[:length]) if length else None
        if path.startswith("/_control/"):
            self.send(200, {}, json.dumps(control(self.board, method, path, body)).encode())
            self.read_request()
            return
        self.record, behaviour = self.board.receive(
            self.number, PATHS.get(path, ""), path, headers, body
        )
        latency_s = self.board.latency_s if behaviour.latency_s is None else behaviour.latency_s
        self.later(latency_s, self.reply, behaviour)

    def later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        self.timer = self.loop.call_later(delay_s, callback, *args)

    def finish(self, outcome: str) -> None:
        if self.record:
            self.board.end(self.record, outcome)
            self.record = None

    def reply(self, behaviour: Behaviour) -> None:
        """Answer the request under way, or misbehave; while answers are held, later."""
        if self.board.is_held:
            self.board.held.append(partial(self.reply, behaviour))
            return
        record = self.record
        if record is None or behaviour.fault is Fault.HANG:
            return
        if behaviour.fault in DRIPS:
            self.drip(behaviour)
        elif is_streamed(behaviour, record):
            self.begin_stream(behaviour, record)
        elif behaviour.fault is Fault.NONE and behaviour.raw is None:
            if not record.provider and behaviour.body is None:
                behaviour = Behaviour(status=404, body={"error": {"message": "no such path"}})
            self.board.end(record, "answered")  # before the client can know
            self.send(behaviour.status, behaviour.headers, body_of(behaviour, record))
            self.record = None
            if behaviour.then_close:
                self.transport.close()
            else:
                self.read_request()
        else:
            self.misbehave(behaviour, record)

    def begin_stream(self, behaviour: Behaviour, record: Received) -> None:
        """Events in chunks, as fast as the client takes them, or with pauses."""
        fields = {"content-type": "text/event-stream; charset=utf-8"}
        fields |= {"transfer-encoding": "chunked", **behaviour.headers}
        self.send(200, fields, b"", None)
        number = f"req-{record.number}"
        told = events(record.provider, behaviour, record.prompt, record.model, number)
        chunks = (b"%x\r\n%b\r\n" % (len(event), event) for event in told)
        pause_s = behaviour.pause_s
        if behaviour.fault is Fault.DRIP_EVENTS:
            pause_s = behaviour.interval_s
        if behaviour.fault is Fault.HUGE_STREAM:
            self.source = chunks
            self.resume_writing()
        elif pause_s:
            self.next_chunk(chunks, pause_s, behaviour)
        else:
            self.end_stream(behaviour, b"".join(chunks))

    def next_chunk(self, chunks: Iterator[bytes], pause_s: float, behaviour: Behaviour) -> None:
        if (chunk := next(chunks, None)) is None:
            self.end_stream(behaviour, b"")
        else:
            self.transport.write(chunk)
            self.later(pause_s, self.next_chunk, chunks, pause_s, behaviour)

    def end_stream(self, behaviour: Behaviour, last: bytes) -> None:
        """A proper end of the body, but for a line that breaks."""
        self.finish("answered" if behaviour.fault is Fault.NONE else "faulted")
        is_whole = behaviour.fault is not Fault.TRUNCATE
        self.transport.write(last + (b"0\r\n\r\n" if is_whole else b""))
        if behaviour.then_close or not is_whole:
            self.transport.close()
        else:
            self.read_request()

    def misbehave(self, behaviour: Behaviour, record: Received) -> None:
        """A reply that ends in a broken or closed connection, or a body too much to take."""
        fault, body = behaviour.fault, body_of(behaviour, record)
        if fault is Fault.RESET:
            raw_socket = self.transport.get_extra_info("socket")
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            self.transport.abort()
        elif fault is Fault.TRUNCATE:
            self.send(behaviour.status, behaviour.headers, body[: len(body) // 2], len(body))
            self.transport.close()
        elif fault in (Fault.HUGE_BODY, Fault.GZIP_BOMB):
            encoding = {"content-encoding": "gzip"} if fault is Fault.GZIP_BOMB else {}
            self.send(behaviour.status, {**behaviour.headers, **encoding}, b"", None)
            self.source = huge(behaviour.size, is_gzipped=fault is Fault.GZIP_BOMB)
            self.resume_writing()
            return
        elif fault is Fault.DEEP_JSON:
            nested = b"[" * behaviour.size + b"]" * behaviour.size
            self.send(behaviour.status, behaviour.headers, b'{"choices": ' + nested + b"}")
            self.transport.close()
        else:
            if behaviour.raw is not None:
                self.transport.write(behaviour.raw.encode("latin-1"))
            self.transport.close()
        self.finish("faulted")

    def drip(self, behaviour: Behaviour) -> None:
        """One more drop, and the next after an interval, until the client leaves."""
        drops = {
            Fault.DRIP_HEAD: b"x",
            Fault.DRIP_CONTINUE: b"HTTP/1.1 100 Continue\r\n\r\n",
            Fault.DRIP_BODY: b"1\r\nx\r\n",
            Fault.DRIP_BLANK_LINES: b"1\r\n\n\r\n",
        }
        if behaviour.fault in (Fault.DRIP_BODY, Fault.DRIP_BLANK_LINES):
            self.transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        elif behaviour.fault is Fault.DRIP_HEAD:
            self.transport.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
        self.drop(drops[behaviour.fault], behaviour.interval_s)

    def drop(self, data: bytes, interval_s: float) -> None:
        self.transport.write(data)
        self.later(interval_s, self.drop, data, interval_s)

    def send(
        self, status: int, headers: Mapping[str, str], body: bytes, length: int | None = -1
    ) -> None:
        """Write a reply. `length` None: no content-length, the body ends with the connection."""
        fields = {"content-type": "application/json"}
        if length is not None:
            fields["content-length"] = str(len(body) if length < 0 else length)
        if self.record:
            fields |= {"x-request-id": f"req-{self.record.number}"}
            fields |= {"request-id": f"req-{self.record.number}"}
        fields |= headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1") + body)

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        """Write a big body as fast as the client takes it, a block at a time."""
        self.is_paused = False
        while self.source is not None and not self.is_paused and not self.transport.is_closing():
            block = next(self.source, None)
            if block is None:
                self.source = None
                self.finish("faulted")
                self.transport.close()
            else:
                self.transport.write(block)


def is_streamed(behaviour: Behaviour, record: Received) -> bool:
    """A scripted body or status is sent as it is, also to one that asked for a stream."""
    is_asked = isinstance(record.body, dict) and record.body.get("stream") is True
    is_own = behaviour.body is None or behaviour.fault is Fault.ERROR_EVENT
    is_plain = behaviour.status == 200 and behaviour.raw is None and is_own
    return is_asked and is_plain and bool(record.provider) and behaviour.fault in STREAMS


def body_of(behaviour: Behaviour, record: Received) -> bytes:
    """The body's bytes: as scripted, else the vendor's proper answer."""
    body = behaviour.body
    if body is None:
        vendor, number = record.provider or "openai", f"req-{record.number}"
        body = answer(vendor, behaviour, record.prompt, record.model, number)
    text = body if isinstance(body, str) else json.dumps(body)
    return ("\n" * behaviour.blank_lines + text).encode()


def huge(size: int, *, is_gzipped: bool) -> Iterator[bytes]:
    """`size` bytes of nothing, in blocks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(size // len(BLOCK)):
        yield packer.compress(BLOCK) if is_gzipped else BLOCK
    if is_gzipped:
        yield packer.flush()
