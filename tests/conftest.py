"""Fixtures that all rooms share; those of one room live beside its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, template_database

pytest_plugins: list[str] = []

_WITHOUT_DATABASE = {"policy", "providers", "fakes"}  # rooms that know of none
_NEEDS_DATABASE = {"db", "transactional_db", "live_server", "deployment", "shared_deployment"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of such rooms `once`. pytest-django keeps them from any database."""
    for item in items:
        if item.path.parent.name in _WITHOUT_DATABASE:
            asked = _NEEDS_DATABASE.intersection(getattr(item, "fixturenames", ()))
            if asked or item.get_closest_marker("django_db"):
                raise pytest.UsageError(f"{item.nodeid} needs a database: it is in the wrong room")
            item.add_marker(pytest.mark.once)


@pytest.fixture
def owner(db, django_user_model):
    """An ordinary user."""
    return django_user_model.objects.create_user("owner", password="owner-password")


@pytest.fixture
def stranger(db, django_user_model):
    """Another ordinary user, who must see nothing of the owner's."""
    return django_user_model.objects.create_user("stranger", password="stranger-password")


@pytest.fixture
def operator(db, django_user_model):
    """A superuser."""
    return django_user_model.objects.create_superuser("operator", password="operator-password")


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """A database of its own with migrations applied and an `admin`; processes end with the test."""
    with Deployment.create(tmp_path, template_database()) as running:
        yield running


@pytest.fixture(scope="module")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One for all tests of a file that leave nothing behind, or look at nothing but their own."""
    with Deployment.create(tmp_path_factory.mktemp("shared"), template_database()) as running:
        yield running


def pytest_report_header() -> str:
    scheme = os.environ.get("DATABASE_URL", "sqlite").split(":")[0]
    return f"database: {scheme}"
