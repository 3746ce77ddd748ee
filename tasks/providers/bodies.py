"""Reading a reply's body within bounds, in one piece or event by event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

from tasks.providers.deadline import Call
from tasks.providers.event_stream import Assembly, EventLines

MOST_BODY_BYTES = 8 * 1024 * 1024
"""Several times the longest answer that any model writes today."""

MOST_STREAM_BYTES = 128 * 1024 * 1024
"""The same for a stream, whose every few letters come in an envelope of some 300 bytes."""

MOST_STREAMED_CHARS = 2 * 1024 * 1024

_BLOCK_BYTES = 64 * 1024
_LINGER_S = 0.2
_WRONG_SHAPE = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


class OversizeError(ValueError):
    """A body over the limit, noticed before it was all read."""


class CutShortError(ValueError):
    """A stream that ended before its answer did."""


class Raw(Protocol):
    """What is asked of urllib3's response."""

    def read(self, amt: int, decode_content: bool) -> bytes: ...
    def read1(self, amt: int, decode_content: bool) -> bytes: ...


def read_whole(raw: Raw, announced: str) -> bytes | bytearray:
    """The unpacked body, its end proven. `announced`: the header `content-length`, or empty.

    Raises: OversizeError, and what urllib3 raises.
    """
    if announced.isdecimal() and int(announced[:12]) > MOST_BODY_BYTES:
        raise OversizeError(f"a body of {announced[:20]} bytes.")
    body = bytearray()
    while block := raw.read(_BLOCK_BYTES, decode_content=True):
        body += block
        if len(body) > MOST_BODY_BYTES:
            raise OversizeError(f"a body of more than {MOST_BODY_BYTES} bytes.")
    return body


def as_json(body: bytes | bytearray) -> Any:
    """The body as JSON, None if it is none. Deep nesting is a RecursionError, not a ValueError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def read_events(raw: Raw, call: Call, assembly: Assembly) -> tuple[Any, bytes]:
    """What the events make together; None and the event at fault, if one makes no sense.

    Raises: CutShortError without an end mark, OversizeError, and what urllib3 raises.
    """
    for data in _events(raw, assembly):
        try:
            assembly.feed(data)
        except _WRONG_SHAPE:
            return None, data
        if assembly.is_over:
            _read_to_the_end(raw, call)
            return assembly.body, b""
    raise CutShortError("a stream that ended before its answer did.")


def _events(raw: Raw, assembly: Assembly) -> Iterator[bytes]:
    lines, total = EventLines(), 0
    while block := raw.read1(_BLOCK_BYTES, decode_content=True):
        yield from lines.feed(block)
        total += len(block)
        if (
            total > MOST_STREAM_BYTES
            or lines.held_bytes > MOST_BODY_BYTES
            or assembly.partial.chars > MOST_STREAMED_CHARS
        ):
            raise OversizeError("a stream longer than any answer.")
    yield from lines.flush()


def _read_to_the_end(raw: Raw, call: Call) -> None:
    """So that the connection can be used again. The answer is here: what goes wrong from now on
    costs the connection alone, and a server that keeps the line open costs a moment."""
    call.deadline = min(call.deadline, monotonic() + _LINGER_S)
    with suppress(Exception):
        while raw.read1(_BLOCK_BYTES, decode_content=True):
            pass
