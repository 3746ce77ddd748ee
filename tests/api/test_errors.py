"""One shape for every error, and an id on every answer."""

from __future__ import annotations

import logging
import re

import pytest
import structlog
from django.db import InterfaceError, OperationalError
from django.test import Client
from rest_framework.test import APIClient

from tests.api.conftest import error_of

TASKS = "/api/tasks/"


def test_an_unknown_path_is_404(api):
    assert error_of(api.get("/api/nothing/here"), 404)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/api/%00/", "/api/%ff%fe/", "/api/é/", "/api/tasks//", "/api//"])
def test_a_garbage_path_is_404(api, path):
    error_of(api.get(path), 404)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forgotten_slash_is_told(api, method):
    error = error_of(getattr(api, method)("/api/tasks"), 404)
    assert "/api/tasks/" in error["message"]


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", TASKS), ("DELETE", TASKS), ("GET", "/api/tasks/actions/"), ("PUT", "/api/tasks/{id}/"),
    ("GET", "/api/tasks/{id}/cancel/"), ("POST", "/api/tasks/{id}/wait/"),
    ("BREW", "/api/tasks/{id}/wait/"), ("DELETE", "/api/providers/"),
])  # fmt: skip
def test_a_method_that_there_is_not_is_405(api, make_task, method, path):
    response = api.generic(method, path.format(id=make_task().pk))
    assert error_of(response, 405)["code"] == "METHOD_NOT_ALLOWED"
    assert response["Allow"]


def test_a_format_that_there_is_not_is_406(api):
    response = api.get(TASKS, HTTP_ACCEPT="application/xml")
    assert error_of(response, 406)["code"] == "NOT_ACCEPTABLE"


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
@pytest.mark.parametrize(("method", "path"), [
    ("GET", TASKS), ("POST", TASKS), ("GET", "/api/tasks/1/"), ("GET", "/api/tasks/1/wait/"),
])  # fmt: skip
def test_a_database_that_is_away_is_503(api, monkeypatch, fault, method, path):
    def away(*_: object, **__: object):
        raise fault("connection to server at 10.0.0.7 failed: password of boss")

    monkeypatch.setattr("tasks.api.authentication.find_api_key", away)
    response = api.generic(method, path, "{}", content_type="application/json")
    error = error_of(response, 503)
    assert error["code"] == "DATABASE_UNAVAILABLE"
    assert int(response["Retry-After"]) > 0
    assert "10.0.0.7" not in str(error)


@pytest.mark.parametrize("path", [TASKS, "/api/tasks/1/wait/"])
def test_a_bug_is_500_without_its_insides(owner, monkeypatch, path):
    def broken(*_: object, **__: object):
        raise RuntimeError("secret insides")

    monkeypatch.setattr("tasks.api.authentication.find_api_key", broken)
    client = APIClient(raise_request_exception=False, headers={"Authorization": "Bearer trk_x"})
    response = client.get(path)
    assert error_of(response, 500)["code"] == "INTERNAL_ERROR"
    assert b"secret" not in response.content


def test_a_refused_host_is_400(db):
    response = Client().get("/api/tasks/", HTTP_HOST="evil.example")
    assert error_of(response, 400)["code"] == "BAD_REQUEST"


def test_pages_outside_of_the_api_keep_djangos_own_errors(db):
    response = Client().get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/healthz", TASKS, "/nothing", "/admin/login/"])
def test_a_sane_request_id_is_kept_and_another_is_replaced(db, path):
    kept = Client().get(path, HTTP_X_REQUEST_ID="trace-1234.abc")
    assert kept["X-Request-ID"] == "trace-1234.abc"
    for bad in ("", "short", "x" * 129, "new\nline-here", "é" * 10, "<script>alert</script>"):
        given = Client().get(path, HTTP_X_REQUEST_ID=bad)["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_two_requests_have_two_ids(db):
    first, second = (Client().get("/healthz")["X-Request-ID"] for _ in range(2))
    assert first != second


def test_the_log_carries_the_request_id(api, monkeypatch):
    seen = []

    def note(record: logging.LogRecord) -> bool:
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return True

    logger = logging.getLogger("django.request")
    logger.addFilter(note)
    try:
        response = api.get("/api/tasks/999999/", HTTP_X_REQUEST_ID="trace-1234")
    finally:
        logger.removeFilter(note)
    assert seen == ["trace-1234"] == [response["X-Request-ID"]]
