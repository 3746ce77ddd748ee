"""What operators do to a provider. For staff, and for their keys of scope `admin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.provider_state import FORCES, ProviderStateSerializer, render_state
from tasks.api.schema import failures
from tasks.api.views.base import ApiView, refuse_body
from tasks.models import ProviderState
from tasks.querysets import database_now
from tasks.services import steering
from tasks.services.submission import clean
from tasks.vocabulary import REAL_PROVIDERS, Provider, Scope

_NAME = OpenApiParameter(
    "name", str, OpenApiParameter.PATH, enum=[name.value for name in REAL_PROVIDERS]
)


class BreakerOrderSerializer(serializers.Serializer[Any]):
    """What the breaker shall do; `auto` starts it afresh."""

    state = serializers.ChoiceField(FORCES)


class SteeringView(ApiView):
    """An order that holds for all workers on all machines at once."""

    permission_classes = (*ApiView.permission_classes, IsAdminUser)
    scope = Scope.ADMIN

    def obey(self, name: str, order: Callable[[str], ProviderState]) -> Response:
        if name not in REAL_PROVIDERS:
            raise NotFound(f"There is no provider {name[:40]} to steer.")
        return Response(render_state(Provider(name), order(name), database_now()))


class ProviderBreakerView(SteeringView):
    """POST forces the breaker open or closed, or lets it decide again."""

    @extend_schema(
        operation_id="providers_breaker",
        summary="Force a breaker",
        parameters=[_NAME],
        request=BreakerOrderSerializer,
        responses={200: ProviderStateSerializer, **failures(400, 404, 413, 415)},
        tags=["providers"],
    )
    def post(self, request: Request, name: str) -> Response:
        """Open: no calls. Closed: calls whatever happens. Auto: it starts afresh."""
        state = clean(BreakerOrderSerializer, request.data)["state"]
        return self.obey(name, lambda known: steering.force_breaker(known, state))


class ProviderPauseView(SteeringView):
    """POST stops calls to the provider."""

    @extend_schema(
        operation_id="providers_pause",
        summary="Pause a provider",
        parameters=[_NAME],
        request=None,
        responses={200: ProviderStateSerializer, **failures(400, 404)},
        tags=["providers"],
    )
    def post(self, request: Request, name: str) -> Response:
        """No further call goes there; calls under way end, tasks wait or are served elsewhere."""
        refuse_body(request)
        return self.obey(name, steering.pause)


class ProviderResumeView(SteeringView):
    """POST lets calls go to the provider again."""

    @extend_schema(
        operation_id="providers_resume",
        summary="Resume a provider",
        parameters=[_NAME],
        request=None,
        responses={200: ProviderStateSerializer, **failures(400, 404)},
        tags=["providers"],
    )
    def post(self, request: Request, name: str) -> Response:
        """Calls go there again; tasks that waited for it are due at once."""
        refuse_body(request)
        return self.obey(name, steering.resume)
