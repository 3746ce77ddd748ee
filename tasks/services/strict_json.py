"""JSON without leniency: Python's decoder accepts NaN, Infinity, 1e999 and repeated keys."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def decode(text: str) -> Any:
    """The document's value. Raises ValueError, and RecursionError for one nested too deep."""
    return _DECODER.decode(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:30]} is too large a number")
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {repeated[:50]!r} stands twice in one object")
    return document


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_parse_float, object_pairs_hook=_unique_keys
)
