"""The export actions: the selection as a download, streamed, whatever its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from tasks.models import Task
from tasks.stats.export import csv_chunks, jsonl_chunks

if TYPE_CHECKING:
    from tasks.admin.tasks import TaskAdmin


@admin.action(description="Export the selected tasks as CSV", permissions=["view"])
def export_csv(
    model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]
) -> StreamingHttpResponse:
    chunks = csv_chunks(queryset.values_list("pk", flat=True))
    return _download(request, chunks, "csv", "text/csv; charset=utf-8")


@admin.action(description="Export the selected tasks as JSONL", permissions=["view"])
def export_jsonl(
    model_admin: TaskAdmin, request: HttpRequest, queryset: QuerySet[Task]
) -> StreamingHttpResponse:
    chunks = jsonl_chunks(queryset.values_list("pk", flat=True))
    return _download(request, chunks, "jsonl", "application/x-ndjson")


def _download(
    request: HttpRequest, chunks: Iterator[str], suffix: str, content_type: str
) -> StreamingHttpResponse:
    _log(request, suffix)
    # Django would gather a plain iterator whole before it sends the first byte under ASGI.
    is_async = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _one_by_one(chunks) if is_async else chunks, content_type=content_type
    )
    name = f"tasks-{timezone.now():%Y%m%d-%H%M%S}.{suffix}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


async def _one_by_one(chunks: Iterator[str]) -> AsyncIterator[str]:
    take = sync_to_async(lambda: next(chunks, None))
    while (chunk := await take()) is not None:
        yield chunk


def _log(request: HttpRequest, suffix: str) -> None:
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(Task),
        object_repr=f"Tasks as {suffix.upper()}",
        action_flag=CHANGE,
        change_message=f"Exported tasks as {suffix.upper()}.",
    )
