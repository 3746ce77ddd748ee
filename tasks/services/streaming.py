"""Long answers in pieces, under a synchronous and an asynchronous server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def stream(request: HttpRequest, chunks: Iterator[str], content_type: str) -> StreamingHttpResponse:
    """`chunks` as they are made. No piece is made before the one before it was taken."""
    # Django would gather a plain iterator whole before it sends the first byte under ASGI.
    is_async = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _one_by_one(chunks) if is_async else chunks, content_type=content_type
    )
    response["Cache-Control"] = "no-store"
    return response


async def _one_by_one(chunks: Iterator[str]) -> AsyncIterator[str]:
    take = sync_to_async(lambda: next(chunks, None))
    while (chunk := await take()) is not None:
        yield chunk
