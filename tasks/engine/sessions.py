"""A worker's sessions with the database: how long they may hold locks, and how their loss shows."""

from __future__ import annotations

from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

DATABASE_LOST = (OperationalError, InterfaceError, InternalError)
"""What Django raises of a database that is away, or that has ended this session; the last of them
for a transaction in which its worker fell silent."""


def bound_transactions(seconds: float) -> None:
    """From now on PostgreSQL ends each new session of this process that sits in a transaction for
    so long without a word.

    Its worker is frozen then, or its host cut off, and the rows that it has locked are skipped by
    every claim and every rescue of the others. Said once a session, for PgBouncer refuses it among
    the startup parameters.
    """

    def bound(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('idle_in_transaction_session_timeout', %s, false)",
                    [f"{seconds * 1000:.0f}"],
                )

    connection_created.connect(bound, weak=False, dispatch_uid=__name__)
