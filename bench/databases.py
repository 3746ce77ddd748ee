"""Fresh databases to measure on, each gone afterwards."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.deployment import prepare_database

_GIVEN = os.environ.get("DATABASE_URL", "")
ADMIN_URL = _GIVEN if _GIVEN.startswith("postgres") else "postgres://postgres@127.0.0.1:5432/test"


class Kind(StrEnum):
    """A database that the project runs on."""

    SQLITE = "SQLite"
    POSTGRES = "PostgreSQL"


@contextlib.contextmanager
def fresh_database(kind: Kind) -> Iterator[str]:
    """The address of a migrated database with an `admin`, and nothing else in it."""
    if kind is Kind.SQLITE:
        with work_folder() as folder:
            path = folder / "db.sqlite3"
            shutil.copyfile(_template(kind).removeprefix("sqlite:///"), path)
            yield f"sqlite:///{path}"
    else:
        with postgres_database(template=urlsplit(_template(kind)).path[1:]) as url:
            yield url


@contextlib.contextmanager
def postgres_database(template: str = "template1") -> Iterator[str]:
    """The address of a new PostgreSQL database."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    _run_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield address_of(name)
    finally:
        drop(name)


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for one measurement. Where TMPDIR is memory, set it to a disk: fsync counts."""
    with tempfile.TemporaryDirectory(prefix="taskrunner-bench-") as folder:
        yield Path(folder)


def address_of(name: str) -> str:
    return urlunsplit(urlsplit(ADMIN_URL)._replace(path=f"/{name}"))


def drop(name: str) -> None:
    _run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@functools.cache
def _template(kind: Kind) -> str:
    if kind is Kind.POSTGRES:
        name = f"bench_template_{uuid.uuid4().hex[:12]}"
        _run_sql(f'CREATE DATABASE "{name}"')
        atexit.register(drop, name)
        url = address_of(name)
    else:
        folder = tempfile.mkdtemp(prefix="taskrunner-bench-template-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        url = f"sqlite:///{folder}/template.sqlite3"
    prepare_database(url)
    return url


def _run_sql(statement: str) -> None:
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(statement.encode())
