"""What the OpenAPI document says beside what the views say themselves."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_serializer,
)
from rest_framework import serializers

_REQUEST_ID = "0f6c1f2e5b9a4d0c8f7e6d5c4b3a2910"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """API keys as an HTTP bearer scheme."""

    target_class = "tasks.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `manage.py create_api_key` or in the admin.",
        }


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField(help_text="Stable; decide by it.")
    message = serializers.CharField(help_text="For people.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="For broken rules: each field and the rules that it broke.",
    )
    request_id = serializers.CharField(help_text="The same as in X-Request-ID and in the log.")


@extend_schema_serializer(component_name="Error")
class ErrorSerializer(serializers.Serializer[Any]):
    """The one shape of every error."""

    error = ErrorDetailSerializer()


def close_requests(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Spectacular's last hook: bodies take no fields beside those described, and say so."""
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            component["additionalProperties"] = False
    return result


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same key and body give the first answer again; another body is refused.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of an answer that you have: if nothing changed since, 304.",
)
NOT_CHANGED = OpenApiResponse(description="Nothing changed since the ETag you sent.")
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, description="What was made.", response=[201]
)
BATCH_ID = OpenApiParameter("batch_id", int, OpenApiParameter.PATH, description="A batch's `id`.")
TEMPLATE_ID = OpenApiParameter(
    "template_id", int, OpenApiParameter.PATH, description="A template's `id`."
)
TASK_ID = OpenApiParameter("task_id", int, OpenApiParameter.PATH, description="A task's `id`.")


def failures(*statuses: int) -> dict[int, OpenApiResponse]:
    """The errors that an operation can answer with, beside 401, 403, 429 and 503."""
    return {
        status: OpenApiResponse(ErrorSerializer, _WORDS[status], [_EXAMPLES[status]])
        for status in sorted({*statuses, 401, 403, 429, 503})
    }


_WORDS = {
    400: "A rule was broken; `fields` names it, unless the body was no JSON.",
    401: "No key, or one that is unknown, revoked or expired.",
    403: "The key's scope does not go so far.",
    404: "There is no such thing, or it is not yours.",
    409: "The task's state does not allow it.",
    413: "The body is too large.",
    415: "The body is not announced as JSON.",
    422: "The idempotency key was used with another body.",
    429: "Too many calls; see Retry-After.",
    503: "The database does not answer; nothing was changed.",
}


def _example(code: str, message: str, fields: dict[str, list[str]] | None = None) -> OpenApiExample:
    error: dict[str, Any] = {"code": code, "message": message}
    if fields is not None:
        error["fields"] = fields
    return OpenApiExample(code, {"error": {**error, "request_id": _REQUEST_ID}})


_PRIORITY_RULE = "Ensure this value is less than or equal to 10."
_EXAMPLES = {
    400: _example(
        "VALIDATION_ERROR", f"priority: {_PRIORITY_RULE}", {"priority": [_PRIORITY_RULE]}
    ),
    401: _example("NOT_AUTHENTICATED", "This API key is unknown, revoked or expired."),
    403: _example("NOT_PERMITTED", "This key's scope is read; write is needed."),
    404: _example("TASK_NOT_FOUND", "There is no task 41."),
    409: _example("INVALID_STATE", "Task 42 is COMPLETED and cannot be cancelled any more."),
    413: _example("PAYLOAD_TOO_LARGE", "The body may have 2,621,440 bytes."),
    415: _example("UNSUPPORTED_MEDIA_TYPE", 'Unsupported media type "text/plain" in request.'),
    422: _example(
        "IDEMPOTENCY_CONFLICT",
        "This idempotency key was used with another body. Send a new key for a new task.",
    ),
    429: _example("RATE_LIMITED", "Request was throttled. Expected available in 12 seconds."),
    503: _example(
        "DATABASE_UNAVAILABLE",
        "The database does not answer. Nothing was changed; try again.",
    ),
}
