"""A session that falls silent within a transaction is ended, and that shows as a lost database."""

from __future__ import annotations

import pytest
from django.db import InternalError, connection, transaction
from django.db.backends.signals import connection_created

from tasks.engine import sessions
from tasks.models import Task
from tests.connections import on_another_connection
from tests.deployment import wait_until
from tests.faults.private_postgres import needs_postgres

pytestmark = [pytest.mark.django_db(transaction=True), needs_postgres]


@pytest.fixture
def short_transactions():
    sessions.bound_transactions(0.2)
    connection.close()
    yield
    connection_created.disconnect(dispatch_uid=sessions.__name__)
    connection.close()


def _is_over(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
        return cursor.fetchone() is None


@transaction.atomic
def _fall_silent() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    on_another_connection(lambda: wait_until(lambda: _is_over(pid), 30, "it is ended"))
    Task.objects.count()


def test_silence_in_a_transaction_ends_the_session_and_the_next_one_works(short_transactions):
    with pytest.raises(sessions.DATABASE_LOST) as raised:
        _fall_silent()
    assert raised.type is InternalError  # not what an unreachable server raises
    connection.close()
    assert Task.objects.count() == 0
