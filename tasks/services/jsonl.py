"""Reading JSONL line by line: a bad line is a problem with a number, not the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
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
    for number, raw in _raw_lines(file, on_bytes):
        if len(raw) > _MOST_LINE_BYTES:
            yield Line(number=number, problem=f"is longer than {_MOST_LINE_BYTES} bytes")
        else:
            yield _parse(number, raw)


def has_more_lines(file: Lines, most: int) -> bool:
    """Are there more than `most` lines that are not blank? Reads until it knows."""
    return next(islice(_raw_lines(file), most, None), None) is not None


def _raw_lines(
    file: Lines, on_bytes: Callable[[int], object] = lambda _: None
) -> Iterator[tuple[int, bytes]]:
    """Number and text of each line that is not blank; of one that is too long, the beginning."""
    number = 0
    while raw := file.readline(_MOST_LINE_BYTES + 1):
        number += 1
        on_bytes(len(raw))
        if len(raw) > _MOST_LINE_BYTES:
            on_bytes(_skip_to_line_end(file, raw))
            yield number, raw
        elif text := raw.removeprefix(_BOM if number == 1 else b"").strip():
            yield number, text


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
