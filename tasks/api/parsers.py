"""Bodies without leniency: what is no JSON, or too much of it, is refused before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from tasks.services import strict_json

_MOST_BATCH_BYTES = 16 * 1024 * 1024


class PayloadTooLarge(APIException):
    """The body is larger than this door takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "payload_too_large"

    def __init__(self, most_bytes: int | None = None) -> None:
        most = most_bytes or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        super().__init__(f"The body may have {most:,} bytes.")


class StrictJSONParser(BaseParser):
    """A JSON document in UTF-8 as Python values; an empty body is None."""

    media_type = "application/json"

    @property
    def most_bytes(self) -> int:
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Raises: ParseError (400), PayloadTooLarge (413)."""
        body = _read(stream, parser_context or {}, self.most_bytes)
        return parse_json(body) if body.strip() else None


class BatchJSONParser(StrictJSONParser):
    """The same for a thousand tasks at once."""

    @property
    def most_bytes(self) -> int:
        return _MOST_BATCH_BYTES


class NdjsonParser(BaseParser):
    """JSON lines, which are not read here: a server spools the body, a service reads the lines.

    DRF hands on whatever a parser returns.
    """

    media_type = "application/x-ndjson"

    def parse(  # type: ignore[override]
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> NdjsonBody:
        return NdjsonBody(stream)


class NdjsonBody:
    """A body to be read by the line. `rewind` goes back to its beginning; None: it is not kept."""

    def __init__(self, stream: IO[Any]) -> None:
        self.readline = stream.readline
        # Django's request is no file, but under ASGI has one: the whole body, on disk.
        file = getattr(stream, "_stream", stream)
        self.rewind = partial(file.seek, 0) if file.seekable() else None


def parse_json(body: bytes) -> Any:
    """The document's value. Raises: ParseError, saying what is wrong and where."""
    try:
        return strict_json.decode(body.decode("utf-8"))
    except RecursionError:
        raise ParseError("The JSON is nested too deep.") from None
    except UnicodeDecodeError as fault:
        raise ParseError(f"The body is not UTF-8: bad byte at {fault.start}.") from None
    except ValueError as fault:
        raise ParseError(f"The body is not JSON: {fault}") from None


def _read(stream: IO[Any], context: Mapping[str, Any], limit: int) -> bytes:
    request = context.get("request")
    if request is not None and int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise PayloadTooLarge(limit)
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(limit)
    return body
