"""A fresh copy of the project, with a database of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deployment import _is_postgres, _run_sql
from tests.taskrunner.project import Project


@pytest.fixture
def project(tmp_path: Path, empty_database: str | None) -> Iterator[Project]:
    with Project.clone(tmp_path, empty_database) as clone:
        yield clone


@pytest.fixture
def empty_database() -> Iterator[str | None]:
    """The address of an empty PostgreSQL database, None on SQLite."""
    if not _is_postgres():
        yield None
        return
    name = f"taskrunner_run_{uuid.uuid4().hex[:12]}"
    _run_sql(f'CREATE DATABASE "{name}"')
    yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    _run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
