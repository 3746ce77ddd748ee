"""Clients of the API: one per kind of caller, each with a real key over Django's test client."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tasks.services.api_keys import create_api_key
from tasks.vocabulary import Scope
from tests.services.conftest import make_task

__all__ = ["client_of", "error_of", "make_task"]


@pytest.fixture(autouse=True)
def fresh_cache():
    """Throttles count in the cache; no test may inherit another's calls."""
    cache.clear()


def client_of(user: Any, scope: Scope = Scope.WRITE) -> APIClient:
    """A client that sends a new key of `user`."""
    _, key = create_api_key(user, name="test", scope=scope)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def api(owner):
    """The owner, with a key that may write."""
    return client_of(owner)


@pytest.fixture
def stranger_api(stranger):
    return client_of(stranger)


@pytest.fixture
def staff_api(operator):
    return client_of(operator, Scope.ADMIN)


def error_of(response: Any, status: int) -> dict[str, Any]:
    """The error of a response that has `status` and the one shape, and nothing else."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert set(error) - {"fields"} == {"code", "message", "request_id"}
    assert error["request_id"] == response["X-Request-ID"]
    assert error["message"]
    return error
