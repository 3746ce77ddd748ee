"""The root of the API, and what is no door of it."""

from __future__ import annotations

from typing import Any

from django.urls import Resolver404, resolve, reverse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.views.base import ApiView

_DOORS = {
    "tasks": "api:task-list",
    "actions": "api:task-actions",
    "batches": "api:batch-list",
    "events": "api:events",
    "templates": "api:template-list",
    "webhooks": "api:webhook-list",
    "keys": "api:key-list",
    "providers": "api:providers",
    "stats": "api:stats",
    "schema": "api:schema",
    "docs": "api:docs",
}


class RootView(ApiView):
    """The doors of this API. Programs send `Authorization: Bearer KEY`."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(
            {name: request.build_absolute_uri(reverse(view)) for name, view in _DOORS.items()}
        )


class NoDoorView(ApiView):
    """Whatever else is asked for under /api/: the one shape of errors, or the missing slash."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    query_names = None
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        with_slash = f"{request.path}/"
        if not request.path.endswith("/") and _is_door(with_slash):
            raise NotFound(f"There is nothing here, but there is {with_slash}")
        raise NotFound("There is nothing here.")


def _is_door(path: str) -> bool:
    try:
        match = resolve(path)
    except Resolver404:
        return False
    return getattr(match.func, "cls", None) is not NoDoorView
