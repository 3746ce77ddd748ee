"""API keys by API. A key is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.pagination import NewestFirstPagination
from tasks.api.schema import LOCATION, failures
from tasks.api.views.base import ApiView, caller, refuse_unknown
from tasks.models import ApiKey
from tasks.services import key_orders
from tasks.services.key_orders import KeyOrderSerializer
from tasks.vocabulary import Scope

_KEY_ID = OpenApiParameter("key_id", int, OpenApiParameter.PATH, description="A key's `id`.")


_EXAMPLE = OpenApiExample(
    "Until 2099", {"name": "nightly", "scope": "write", "expires_at": "2099-01-01T00:00:00Z"},
    request_only=True,
)  # fmt: skip


class ApiKeySerializer(serializers.Serializer[Any]):
    """A key without the key."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(read_only=True)
    prefix = serializers.CharField(read_only=True, help_text="How it begins, to know it by.")
    scope = serializers.ChoiceField([scope.value for scope in Scope], read_only=True)
    owner = serializers.CharField(source="user.username", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True, allow_null=True)
    revoked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    last_used_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="To the minute."
    )


class NewApiKeySerializer(ApiKeySerializer):
    """The same with the key, which is shown this once."""

    key = serializers.CharField(read_only=True)


class KeyListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """Your keys (all of them, for staff with an admin key or a session). POST makes one more."""

    serializer_class = KeyOrderSerializer
    filter_backends = ()
    pagination_class = NewestFirstPagination
    query_names = None  # GET: the pages know; POST: none

    def get_queryset(self) -> Any:
        return key_orders.visible_keys(caller(self.request), _key_of(self.request))

    @extend_schema(
        operation_id="keys_list",
        summary="List API keys",
        responses={200: ApiKeySerializer(many=True), **failures(400)},
        tags=["keys"],
    )
    def get(self, request: Request) -> Response:
        """One page of keys, the newest first, revoked ones too."""
        refuse_unknown(request, NewestFirstPagination.query_names)
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ApiKeySerializer(page, many=True).data)

    @extend_schema(
        operation_id="keys_create",
        summary="Make an API key",
        request=KeyOrderSerializer,
        parameters=[LOCATION],
        responses={201: NewApiKeySerializer, **failures(400, 413, 415)},
        examples=[_EXAMPLE],
        tags=["keys"],
    )
    def post(self, request: Request) -> Response:
        """A key that can do no more, and lives no longer, than the one you sent."""
        refuse_unknown(request, ())
        row, key = key_orders.order_key(caller(request), _key_of(request), request.data)
        where = request.build_absolute_uri(reverse("api:key-detail", args=[row.pk]))
        body = {**ApiKeySerializer(row).data, "key": key}
        headers = {"Location": where, "Cache-Control": "no-store"}
        return Response(body, status=201, headers=headers)


class KeyView(ApiView):
    """One key."""

    @extend_schema(
        operation_id="keys_retrieve",
        summary="Look at an API key",
        parameters=[_KEY_ID],
        responses={200: ApiKeySerializer, **failures(404)},
        tags=["keys"],
    )
    def get(self, request: Request, key_id: str) -> Response:
        """What it may, until when, and when it was used last."""
        row = key_orders.get_key(caller(request), _key_of(request), key_id)
        return Response(ApiKeySerializer(row).data)

    @extend_schema(
        operation_id="keys_destroy",
        summary="Revoke an API key",
        parameters=[_KEY_ID],
        responses={204: None, **failures(404)},
        tags=["keys"],
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """Of no use from now on, for good. It stays in the list."""
        key_orders.revoke_key(caller(request), _key_of(request), key_id)
        return Response(status=204)


def _key_of(request: Request) -> ApiKey | None:
    return request.auth if isinstance(request.auth, ApiKey) else None
