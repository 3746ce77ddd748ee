"""Answers that come in pieces: server-sent events, put together to what would have come whole.

What a vendor's events hold is told by its own `Assembly`; no vendor and no socket here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from tasks.providers.partial import Partial


class EventLines:
    """Cuts a stream of bytes into the data of its events (WHATWG HTML, section 9.2).

    Comments, which servers send to keep a line alive, and fields other than `data` are passed over.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self.held_bytes = 0
        """Of the event that is not whole yet."""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The data of each event that this block makes whole."""
        self._rest += block
        self.held_bytes += len(block)
        if b"\n" not in block:
            return
        *lines, last = self._rest.splitlines(keepends=True)
        self._rest = bytearray()
        if last.endswith(b"\n"):
            lines.append(last)
        else:  # without its end, or with half of "\r\n"
            self._rest = last
        for line in lines:
            yield from self._take(bytes(line))
        self.held_bytes = len(self._rest) + sum(map(len, self._data))

    def flush(self) -> Iterator[bytes]:
        """The data of an event that the end of the stream makes whole: servers forget the blank
        line after their last."""
        for line in self._rest.splitlines(keepends=True):
            yield from self._take(bytes(line))
        yield from self._take(b"\n")

    def _take(self, line: bytes) -> Iterator[bytes]:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif not field and not value and self._data and not line.startswith(b":"):
            yield b"\n".join(self._data)
            self._data = []


class Assembly(ABC):
    """Puts one answer together. `is_over`: its end mark, or an error, has come."""

    end_mark: ClassVar[bytes] = b""
    """Data that is no JSON and says that all has come, where the vendor sends such."""

    def __init__(self, partial: Partial) -> None:
        self.partial = partial
        self.is_over = False
        self._error: Any = None

    def feed(self, data: bytes) -> None:
        """One event's data. Any error of a wrong key or type means a wrong shape."""
        if self.end_mark and data.strip() == self.end_mark:
            self.is_over = True
            return
        event = json.loads(data)
        if event.get("error"):
            self._error = event
            self.is_over = True
        else:
            self.take(event)

    @abstractmethod
    def take(self, event: dict[str, Any]) -> None:
        """Add what this event brings: its text to `partial`."""

    @abstractmethod
    def answer(self) -> Any:
        """The JSON as the vendor would have sent it in one piece."""

    @property
    def body(self) -> Any:
        """The answer, or the error that came instead or in the middle of it."""
        return self.answer() if self._error is None else self._error
