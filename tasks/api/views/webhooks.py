"""Webhooks: programs that want to be told instead of asking."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.pagination import NewestFirstPagination
from tasks.api.schema import LOCATION, failures
from tasks.api.views.base import ApiView, caller, refuse_body, refuse_unknown
from tasks.api.webhooks import DeliverySerializer, NewWebhookSerializer, WebhookSerializer
from tasks.services import webhooks
from tasks.services.webhooks import EndpointSerializer

_WEBHOOK_ID = OpenApiParameter(
    "webhook_id", int, OpenApiParameter.PATH, description="A webhook's `id`."
)
_DELIVERY_ID = OpenApiParameter(
    "delivery_id", int, OpenApiParameter.PATH, description="A delivery's `id`."
)
_EXAMPLE = OpenApiExample(
    "Ends of tasks",
    {"url": "https://example.org/hooks", "events": ["task.completed", "task.failed"]},
    request_only=True,
)


class WebhookListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """Your webhooks (all of them, for staff). POST makes one more."""

    serializer_class = EndpointSerializer
    filter_backends = ()
    pagination_class = NewestFirstPagination
    query_names = None  # GET: the pages know; POST: none

    def get_queryset(self) -> Any:
        return webhooks.visible_webhooks(caller(self.request)).select_related("owner")

    @extend_schema(
        operation_id="webhooks_list",
        summary="List webhooks",
        responses={200: WebhookSerializer(many=True), **failures(400)},
        tags=["webhooks"],
    )
    def get(self, request: Request) -> Response:
        """One page of webhooks, the newest first."""
        refuse_unknown(request, NewestFirstPagination.query_names)
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(WebhookSerializer(page, many=True).data)

    @extend_schema(
        operation_id="webhooks_create",
        summary="Make a webhook",
        request=EndpointSerializer,
        parameters=[LOCATION],
        responses={201: NewWebhookSerializer, **failures(400, 413, 415)},
        examples=[_EXAMPLE],
        tags=["webhooks"],
    )
    def post(self, request: Request) -> Response:
        """From now on the events of your tasks are sent there. The secret is shown this once."""
        refuse_unknown(request, ())
        made = webhooks.create_webhook(caller(request), request.data)
        where = request.build_absolute_uri(reverse("api:webhook-detail", args=[made.pk]))
        data = NewWebhookSerializer(made).data
        return Response(data, status=201, headers={"Location": where})


class WebhookView(ApiView):
    """One webhook."""

    @extend_schema(
        operation_id="webhooks_retrieve",
        summary="Look at a webhook",
        parameters=[_WEBHOOK_ID],
        responses={200: WebhookSerializer, **failures(404)},
        tags=["webhooks"],
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """Where is sent what, and whether it arrives. Not the secret."""
        return Response(WebhookSerializer(webhooks.get_webhook(caller(request), webhook_id)).data)

    @extend_schema(
        operation_id="webhooks_partial_update",
        summary="Change a webhook",
        parameters=[_WEBHOOK_ID],
        request=EndpointSerializer(partial=True),
        responses={200: WebhookSerializer, **failures(400, 404, 413, 415)},
        tags=["webhooks"],
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        """Another address, other events, on or off."""
        changed = webhooks.change_webhook(caller(request), webhook_id, request.data)
        return Response(WebhookSerializer(changed).data)

    @extend_schema(
        operation_id="webhooks_destroy",
        summary="Delete a webhook",
        parameters=[_WEBHOOK_ID],
        responses={204: None, **failures(404)},
        tags=["webhooks"],
    )
    def delete(self, request: Request, webhook_id: str) -> Response:
        """Nothing more is sent there; its deliveries go with it."""
        webhooks.delete_webhook(caller(request), webhook_id)
        return Response(status=204)


class DeliveryListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """What was sent, with its tries."""

    serializer_class = DeliverySerializer
    filter_backends = ()
    pagination_class = NewestFirstPagination
    query_names = NewestFirstPagination.query_names

    @extend_schema(
        operation_id="webhooks_deliveries",
        summary="List a webhook's deliveries",
        parameters=[_WEBHOOK_ID],
        responses={200: DeliverySerializer(many=True), **failures(400, 404)},
        tags=["webhooks"],
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """One page of deliveries, the newest first. They are kept for 14 days."""
        endpoint = webhooks.get_webhook(caller(request), webhook_id)
        page = self.paginate_queryset(endpoint.deliveries.all())
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)


class RedeliverView(ApiView):
    """POST sends a message again."""

    @extend_schema(
        operation_id="webhooks_redeliver",
        summary="Send a delivery again",
        parameters=[_WEBHOOK_ID, _DELIVERY_ID],
        request=None,
        responses={202: DeliverySerializer, **failures(404, 409)},
        tags=["webhooks"],
    )
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """The same message, under the same id, once more."""
        refuse_body(request)
        row = webhooks.redeliver(caller(request), webhook_id, delivery_id)
        return Response(DeliverySerializer(row).data, status=202)
