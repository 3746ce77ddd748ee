"""Reading JSONL line by line: a bad line is a problem with a number, not the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tasks.services import strict_json

_MOST_LINE_BYTES = 2_621_440
_BOM = b"\xef\xbb\xbf"


class Lines(Protocol):
    """What can be read by the line: a file, a request."""

    def readline(self, limit: int = -1, /) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that is not blank, counted from 1. `problem` is empty if `value` is its JSON."""

    number: int
    value: Any = None
    problem: str = ""


def read_lines(file: Lines, on_bytes: Callable[[int], object] = lambda _: None) -> Iterator[Line]:
    """The lines of `file`. on_bytes: told how many bytes were read, for a progress bar."""
    number = 0
    while raw := file.readline(_MOST_LINE_BYTES + 1):
        number += 1
        on_bytes(len(raw))
        if len(raw) > _MOST_LINE_BYTES:
            on_bytes(_skip_to_line_end(file, raw))
            yield Line(number=number, problem=f"is longer than {_MOST_LINE_BYTES} bytes")
        elif text := raw.removeprefix(_BOM if number == 1 else b"").strip():
            yield _parse(number, text)


def _parse(number: int, text: bytes) -> Line:
    try:
        return Line(number=number, value=strict_json.decode(text.decode()))
    except UnicodeDecodeError:
        return Line(number=number, problem="is not UTF-8")
    except RecursionError:
        return Line(number=number, problem="is nested too deep")
    except json.JSONDecodeError as error:
        return Line(number=number, problem=f"is not JSON: {error.msg} at column {error.colno}")
    except ValueError as error:
        return Line(number=number, problem=f"is not JSON: {error}")


def _skip_to_line_end(file: Lines, raw: bytes) -> int:
    skipped = 0
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(_MOST_LINE_BYTES)
        skipped += len(raw)
    return skipped
