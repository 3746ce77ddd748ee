"""Batches: submit many tasks at once, follow them, collect their answers."""

from __future__ import annotations

import json
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.batches import (
    BatchOrderSerializer,
    BatchSerializer,
    ResultSerializer,
    render_batch,
    render_batch_text,
    render_batches,
)
from tasks.api.pagination import NewestFirstPagination
from tasks.api.parsers import BatchJSONParser, NdjsonBody, NdjsonParser
from tasks.api.renderers import NdjsonRenderer
from tasks.api.schema import BATCH_ID, IDEMPOTENCY_KEY, LOCATION, failures
from tasks.api.views.base import ApiView, caller, refuse_body, refuse_unknown
from tasks.errors import InvalidInput
from tasks.models import Batch
from tasks.services.access import get_batch, visible_batches
from tasks.services.batch_items import items_of_lines, items_of_list
from tasks.services.batch_results import result_lines
from tasks.services.batches import SubmittedBatch, cancel_batch, create_batch, retry_failed
from tasks.services.streaming import stream

_NAME = OpenApiParameter("name", str, description="For JSON lines: your own name for the batch.")
_EXAMPLES = [
    OpenApiExample(
        "Two tasks",
        {
            "name": "headlines",
            "tasks": [
                {"prompt": "Shorten: …", "custom_id": "a-1"},
                {"prompt": "Shorten: …", "custom_id": "a-2", "priority": 9},
            ],
        },
        request_only=True,
        media_type="application/json",
    ),
]


class BatchListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """Your batches (all of them, for staff). POST submits one more."""

    serializer_class = BatchOrderSerializer
    parser_classes = (BatchJSONParser, NdjsonParser)
    filter_backends = ()
    pagination_class = NewestFirstPagination
    query_names = None  # GET: the pages know; POST: below

    def get_queryset(self) -> Any:
        return visible_batches(caller(self.request))

    @extend_schema(
        operation_id="batches_list",
        summary="List batches",
        responses={200: BatchSerializer(many=True), **failures(400)},
        tags=["batches"],
    )
    def get(self, request: Request) -> Response:
        """One page of batches, the newest first."""
        refuse_unknown(request, NewestFirstPagination.query_names)
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(render_batches(page or []))

    @extend_schema(
        operation_id="batches_create",
        summary="Submit a batch",
        request={
            "application/json": BatchOrderSerializer,
            "application/x-ndjson": {"type": "string", "format": "binary"},
        },
        parameters=[IDEMPOTENCY_KEY, LOCATION, _NAME],
        responses={201: BatchSerializer, **failures(400, 413, 415, 422)},
        examples=_EXAMPLES,
        tags=["batches"],
    )
    def post(self, request: Request) -> Response:
        """Accept all tasks or none: up to 1,000 in a list, or up to 100,000 as JSON lines."""
        lines = request.data if isinstance(request.data, NdjsonBody) else None
        refuse_unknown(request, () if lines is None else ("name",))
        submitted = self._submit(request, lines)
        where = reverse("api:batch-detail", args=[submitted.batch.pk])
        headers = {"Location": request.build_absolute_uri(where)}
        if submitted.is_replay:
            headers["Idempotency-Replayed"] = "true"
        if submitted.record is not None and submitted.record.answer is not None:
            body = json.loads(submitted.record.answer)
        else:
            body = render_batch(submitted.batch)
        return Response(body, status=201, headers=headers)

    def _submit(self, request: Request, lines: NdjsonBody | None) -> SubmittedBatch:
        key = request.headers.get("Idempotency-Key")
        if lines is not None:
            options: dict[str, Any] = dict(request.query_params.items())
            options.pop("format", None)
            items = items_of_lines(lines, lines.rewind)
        else:
            if not isinstance(request.data, dict):
                raise InvalidInput({"non_field_errors": ["Must be a JSON object."]})
            options = dict(request.data)
            items = iter(items_of_list(options.pop("tasks", None)))
        return create_batch(
            caller(request), items, options=options, idempotency_key=key, render=render_batch_text
        )


class BatchView(ApiView):
    """One batch."""

    @extend_schema(
        operation_id="batches_retrieve",
        summary="Look at a batch",
        parameters=[BATCH_ID],
        responses={200: BatchSerializer, **failures(404)},
        tags=["batches"],
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """Where the batch stands. Its tasks: `/api/tasks/?batch={id}`."""
        return Response(render_batch(get_batch(caller(request), batch_id)))


class BatchCancelView(ApiView):
    """POST cancels what has not ended."""

    @extend_schema(
        operation_id="batches_cancel",
        summary="Cancel a batch",
        parameters=[BATCH_ID],
        request=None,
        responses={200: BatchSerializer, **failures(404)},
        tags=["batches"],
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """CANCELLED, each task that waits or runs; those that have ended keep their end."""
        refuse_body(request)
        return Response(render_batch(cancel_batch(caller(request), batch_id)))


class BatchRetryFailedView(ApiView):
    """POST puts the FAILED tasks back into the queue."""

    @extend_schema(
        operation_id="batches_retry_failed",
        summary="Retry a batch's failures",
        parameters=[BATCH_ID],
        request=None,
        responses={200: BatchSerializer, **failures(404)},
        tags=["batches"],
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """PENDING again, each FAILED task, with a fresh count of attempts."""
        refuse_body(request)
        return Response(render_batch(retry_failed(caller(request), batch_id)))


class BatchResultsView(ApiView):
    """The answers of a batch, one JSON object a line."""

    renderer_classes = (JSONRenderer, NdjsonRenderer)

    @extend_schema(
        operation_id="batches_results",
        summary="Collect a batch's answers",
        parameters=[BATCH_ID],
        responses={(200, "application/x-ndjson"): ResultSerializer, **failures(404)},
        tags=["batches"],
    )
    def get(self, request: Request, batch_id: str) -> HttpResponseBase:
        """Every task of the batch as it stands, in the order of the submit, streamed."""
        batch: Batch = get_batch(caller(request), batch_id)
        return stream(request._request, result_lines(batch), "application/x-ndjson")
