"""A database in which nobody can submit for a while."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import psycopg

from tests.deployment import Deployment


@contextlib.contextmanager
def no_submits(deployment: Deployment) -> Iterator[None]:
    """Whoever submits waits for us."""
    if deployment.database_url.startswith("postgres"):
        with psycopg.connect(deployment.database_url) as connection:
            connection.execute("LOCK TABLE tasks_task IN EXCLUSIVE MODE")
            yield
    else:
        with contextlib.closing(sqlite3.connect(deployment.database_path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
