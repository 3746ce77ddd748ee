"""Fixtures that all rooms share; those of one room live beside its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, template_database

pytest_plugins: list[str] = []


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


def pytest_report_header() -> str:
    scheme = os.environ.get("DATABASE_URL", "sqlite").split(":")[0]
    return f"database: {scheme}"
