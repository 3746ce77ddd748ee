"""One shape for every error: `{"error": {"code", "message", "fields"?, "request_id"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from tasks.api.parsers import PayloadTooLarge
from tasks.errors import DatabaseUnavailable, DomainError, InvalidInput, RateLimited
from tasks.services.submission import flatten_errors

log = structlog.get_logger(__name__)

_RETRY_DATABASE_AFTER_S = 5
_CODES = {
    400: "VALIDATION_ERROR",
    401: "NOT_AUTHENTICATED",
    403: "NOT_PERMITTED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
}


def error_body(
    request: HttpRequest | Request | None,
    code: str,
    message: str,
    fields: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The body of an error answer; `fields` only where a rule about input was broken."""
    error: dict[str, Any] = {"code": code, "message": message}
    if fields is not None:
        error["fields"] = fields
    error["request_id"] = getattr(request, "request_id", "")
    return {"error": error}


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: the answer to `exc`, or None for a bug, which then becomes a 500."""
    request: Request | None = context.get("request")
    refusal = _as_known(exc)
    if isinstance(refusal, DomainError):
        response = _answer_domain_error(refusal, request)
    elif isinstance(refusal, exceptions.APIException):
        response = _answer_api_exception(refusal, request)
    else:
        return None
    set_rollback()
    return response


def _as_known(exc: Exception) -> Exception:
    """Django's and the database's exceptions as ours or DRF's."""
    if isinstance(exc, OperationalError | InterfaceError):
        log.warning("database_unavailable", reason=str(exc).strip().split("\n")[0][:200])
        return DatabaseUnavailable("The database does not answer. Nothing was changed; try again.")
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(exc, SuspiciousOperation):
        return exceptions.ParseError(str(exc)[:200])
    return exc


def _answer_domain_error(error: DomainError, request: Request | None) -> Response:
    fields = error.fields if isinstance(error, InvalidInput) else None
    headers = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    elif isinstance(error, DatabaseUnavailable):
        headers["Retry-After"] = str(_RETRY_DATABASE_AFTER_S)
    body = error_body(request, error.code, error.message, fields)
    return Response(body, status=error.http_status, headers=headers)


def _answer_api_exception(error: exceptions.APIException, request: Request | None) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", None) or 1)))
    code = _CODES.get(error.status_code, "ERROR")
    if isinstance(error, exceptions.ParseError):
        code = "PARSE_ERROR"
    if isinstance(error, exceptions.ValidationError):
        detail = error.detail
        given = detail if isinstance(detail, Mapping) else {"non_field_errors": detail}
        fields = flatten_errors(given)
        message = InvalidInput(fields).message
        return Response(error_body(request, code, message, fields), status=error.status_code)
    body = error_body(request, code, str(error.detail))
    return Response(body, status=error.status_code, headers=headers)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: refused hosts, too many parameters."""
    if not is_api(request):
        return defaults.bad_request(request, exception)
    return JsonResponse(error_body(request, "BAD_REQUEST", "The request is malformed."), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if not is_api(request):
        return defaults.permission_denied(request, exception)
    return JsonResponse(error_body(request, _CODES[403], "This is not permitted."), status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    return JsonResponse(error_body(request, _CODES[404], "There is nothing here."), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the log knows more, under the same request id."""
    if not is_api(request):
        return defaults.server_error(request)
    message = "Something broke on our side. Tell the operator the request id."
    return JsonResponse(error_body(request, _CODES[500], message), status=500)
