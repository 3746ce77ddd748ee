"""Templates: write, edit as new versions, try out, read how each version does."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.pagination import NewestFirstPagination
from tasks.api.schema import LOCATION, TEMPLATE_ID, failures
from tasks.api.templates import (
    PreviewOrderSerializer,
    PreviewSerializer,
    TemplateChangesSerializer,
    TemplateDetailSerializer,
    TemplateSerializer,
    render_detail,
    render_templates,
)
from tasks.api.views.base import ApiView, caller, refuse_unknown
from tasks.errors import InvalidInput
from tasks.services import templates
from tasks.services.submission import clean
from tasks.services.template_shelf import render

_EXAMPLES = [
    OpenApiExample(
        "With a default",
        {
            "name": "summarise",
            "prompt": "Summarise in {{ language }}: {{ text }}",
            "variables": [{"name": "language", "default": "English"}],
        },
        request_only=True,
    )
]


class TemplateListView(ApiView, GenericAPIView):  # type: ignore[type-arg]
    """Your templates (all of them, for staff). POST makes one more."""

    serializer_class = templates.TemplateOrderSerializer
    filter_backends = ()
    pagination_class = NewestFirstPagination
    query_names = None  # GET: the pages know; POST: below

    def get_queryset(self) -> Any:
        return templates.visible_templates(caller(self.request))

    @extend_schema(
        operation_id="templates_list",
        summary="List templates",
        responses={200: TemplateSerializer(many=True), **failures(400)},
        tags=["templates"],
    )
    def get(self, request: Request) -> Response:
        """One page of templates in their latest versions, the newest first."""
        refuse_unknown(request, NewestFirstPagination.query_names)
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(render_templates(page or []))

    @extend_schema(
        operation_id="templates_create",
        summary="Make a template",
        request=templates.TemplateOrderSerializer,
        parameters=[LOCATION],
        responses={201: TemplateDetailSerializer, **failures(400, 413, 415)},
        examples=_EXAMPLES,
        tags=["templates"],
    )
    def post(self, request: Request) -> Response:
        """A prompt with `{{ name }}` where a variable goes. Nothing else in it has a meaning."""
        refuse_unknown(request, ())
        template = templates.create_template(caller(request), request.data)
        where = request.build_absolute_uri(reverse("api:template-detail", args=[template.pk]))
        return Response(render_detail(template), status=201, headers={"Location": where})


class TemplateView(ApiView):
    """One template with its versions."""

    @extend_schema(
        operation_id="templates_retrieve",
        summary="Look at a template",
        parameters=[TEMPLATE_ID],
        responses={200: TemplateDetailSerializer, **failures(404)},
        tags=["templates"],
    )
    def get(self, request: Request, template_id: str) -> Response:
        """The template, its versions, and for each what its tasks cost and how they ended."""
        return Response(render_detail(templates.get_template(caller(request), template_id)))

    @extend_schema(
        operation_id="templates_update",
        summary="Write a template anew",
        parameters=[TEMPLATE_ID],
        request=templates.TemplateOrderSerializer,
        responses={200: TemplateDetailSerializer, **failures(400, 404, 413, 415)},
        tags=["templates"],
    )
    def put(self, request: Request, template_id: str) -> Response:
        """A new version, if anything but `published` is otherwise than it was."""
        template = templates.replace_template(caller(request), template_id, request.data)
        return Response(render_detail(template))

    @extend_schema(
        operation_id="templates_partial_update",
        summary="Change a template",
        parameters=[TEMPLATE_ID],
        request=TemplateChangesSerializer,
        responses={200: TemplateDetailSerializer, **failures(400, 404, 413, 415)},
        tags=["templates"],
    )
    def patch(self, request: Request, template_id: str) -> Response:
        """A new version, if anything but `published` is otherwise than it was."""
        template = templates.edit_template(caller(request), template_id, request.data)
        return Response(render_detail(template))

    @extend_schema(
        operation_id="templates_destroy",
        summary="Delete a template",
        parameters=[TEMPLATE_ID],
        responses={204: None, **failures(404)},
        tags=["templates"],
    )
    def delete(self, request: Request, template_id: str) -> Response:
        """Of no use from now on. Tasks that were made with it keep saying so."""
        templates.delete_template(caller(request), template_id)
        return Response(status=204)


class TemplateRenderView(ApiView):
    """POST tries a template out."""

    @extend_schema(
        operation_id="templates_render",
        summary="Preview a prompt",
        parameters=[TEMPLATE_ID],
        request=PreviewOrderSerializer,
        responses={200: PreviewSerializer, **failures(400, 404, 413, 415)},
        tags=["templates"],
    )
    def post(self, request: Request, template_id: str) -> Response:
        """The prompt that a task would be asked with these variables. Nothing is submitted."""
        template = templates.get_template(caller(request), template_id)
        order = clean(PreviewOrderSerializer, {} if request.data is None else request.data)
        number = order.get("version", template.latest)
        version = template.versions.select_related("template").filter(number=number).first()
        if version is None:
            raise InvalidInput({"version": [f"There are versions 1 to {template.latest}."]})
        return Response({"template": str(version), "prompt": render(version, order["variables"])})
