"""What all views of the API share: strangers are counted, and query strings are not guessed at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tasks.api.representation import render_task
from tasks.api.throttles import count_refusal
from tasks.errors import InvalidInput
from tasks.models import Task

ALWAYS_ALLOWED = frozenset({"format"})  # the browsable API's switch


class ApiView(APIView):
    """A view whose refused calls are counted against their address."""

    query_names: Collection[str] | None = ()
    """The query parameters that are known; None leaves the judging to the method."""

    rate_headers: Mapping[str, str] = {}
    """How much the caller may still ask for; the throttle says."""

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.rate_headers.items():
            final[name] = value
        return final

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        _announce_chunked_body(request)
        super().initial(request, *args, **kwargs)
        if self.query_names is not None:
            refuse_unknown(request, self.query_names)

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            count_refusal(request)
            raise

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        if not request.user.is_authenticated:
            count_refusal(request)
        super().permission_denied(request, message, code)


def _announce_chunked_body(request: Request) -> None:
    """DRF takes a body without Content-Length for none; the parser measures it while reading."""
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if is_chunked and not request.META.get("CONTENT_LENGTH"):
        request.META["CONTENT_LENGTH"] = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def caller(request: Request) -> AbstractBaseUser:
    """The user behind a request that was let in."""
    return cast(AbstractBaseUser, request.user)


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Raises: InvalidInput, naming each query parameter that nobody reads."""
    given = set(request.query_params) - ALWAYS_ALLOWED - set(known)
    if given:
        listed = ", ".join(sorted(known)) or "none"
        rule = f"Is not a parameter here. Known: {listed}."
        raise InvalidInput({name[:100]: [rule] for name in sorted(given)})


def created(request: Request, task: Task) -> Response:
    """201 with the task and where it is."""
    where = request.build_absolute_uri(reverse("api:task-detail", args=[task.pk]))
    return Response(render_task(task), status=201, headers={"Location": where})


def refuse_body(request: Request) -> None:
    """Raises: InvalidInput, if the body says anything to a call that takes nothing."""
    if request.data not in (None, {}):
        raise InvalidInput({"non_field_errors": ["This call takes no body."]})
