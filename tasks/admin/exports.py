"""The export actions: the selection as a download, streamed, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from tasks.models import Task
from tasks.services.streaming import stream
from tasks.stats.export import csv_chunks, jsonl_chunks


def download_csv(request: HttpRequest, rows: QuerySet[Task]) -> StreamingHttpResponse:
    chunks = csv_chunks(rows.values_list("pk", flat=True))
    return _download(request, chunks, "csv", "text/csv; charset=utf-8")


def download_jsonl(request: HttpRequest, rows: QuerySet[Task]) -> StreamingHttpResponse:
    chunks = jsonl_chunks(rows.values_list("pk", flat=True))
    return _download(request, chunks, "jsonl", "application/x-ndjson")


def _download(
    request: HttpRequest, chunks: Iterator[str], suffix: str, content_type: str
) -> StreamingHttpResponse:
    _log(request, suffix)
    response = stream(request, chunks, content_type)
    name = f"tasks-{timezone.now():%Y%m%d-%H%M%S}.{suffix}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _log(request: HttpRequest, suffix: str) -> None:
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(Task),
        object_repr=f"Tasks as {suffix.upper()}",
        action_flag=CHANGE,
        change_message=f"Exported tasks as {suffix.upper()}.",
    )
