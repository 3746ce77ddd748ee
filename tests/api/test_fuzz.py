"""What a machine that read the OpenAPI document can think of, at every door of the API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies
from schemathesis.specs.openapi.checks import positive_data_acceptance as BEYOND  # noqa: N812

from tests.api.conftest import client_of

_PATHS = SchemaGenerator().get_schema(public=True)["paths"]
# `BEYOND`: that all that fits the document is accepted. A prompt of spaces or a moment that is past
# fits it and is refused all the same.
OPERATIONS = [
    (path, method.upper()) for path, operations in _PATHS.items() for method in operations
]


EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
"""For each operation. More than by default are random ones, other ones each time."""


@pytest.fixture
def documented_api(db: None) -> Iterator[Any]:
    """The API as a server runs it, but within the test's one transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def authorization(owner: Any, settings: Any) -> str:
    settings.API_CALLS_A_MINUTE = settings.API_REFUSALS_A_MINUTE = 10**9
    return client_of(owner)._credentials["HTTP_AUTHORIZATION"]


@pytest.fixture(autouse=True)
def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams end at once: no other connection sees what this test's transaction holds.
    What they tell is read over a socket (tests/api/test_events.py)."""

    async def say_nothing(*_: object) -> AsyncIterator[None]:
        return
        yield

    monkeypatch.setattr("tasks.api.views.events.follow", say_nothing)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_one_that_the_document_announces(
    documented_api: Any, authorization: str, make_task: Any, path: str, method: str
) -> None:
    cases = documented_api[path][method].as_strategy()

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 25, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=cases, status=strategies.sampled_from(["PENDING", "FAILED", None]))
    def try_out(case: schemathesis.Case, status: str | None) -> None:
        if "task_id" in (case.path_parameters or {}) and status:
            case.path_parameters["task_id"] = make_task(set_to={"status": status}).pk
        if path.endswith("/wait/"):
            case.query = {**(case.query or {}), "timeout": 0}
        case.call_and_validate(headers={"Authorization": authorization}, excluded_checks=[BEYOND])

    try_out()
