"""JSON without leniency: what is no JSON, or too much of it, is refused before anything reads it.

Python's decoder accepts NaN, Infinity, 1e999 and repeated keys, and breaks on deep nesting.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser


class PayloadTooLarge(APIException):
    """The body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "payload_too_large"

    def __init__(self) -> None:
        super().__init__(f"The body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")


class StrictJSONParser(BaseParser):
    """A JSON document in UTF-8 as Python values; an empty body is None."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Raises: ParseError (400), PayloadTooLarge (413)."""
        body = _read(stream, parser_context or {})
        return parse_json(body) if body.strip() else None


def parse_json(body: bytes) -> Any:
    """The document's value. Raises: ParseError, saying what is wrong and where."""
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise ParseError("The JSON is nested too deep.") from None
    except UnicodeDecodeError as fault:
        raise ParseError(f"The body is not UTF-8: bad byte at {fault.start}.") from None
    except ValueError as fault:
        raise ParseError(f"The body is not JSON: {fault}") from None


def _read(stream: IO[Any], context: Mapping[str, Any]) -> bytes:
    limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    request = context.get("request")
    if request is not None and int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise PayloadTooLarge
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge
    return body


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
