"""One thread's database connection, from call to call."""

from __future__ import annotations

import select

from django.db import connection


def keep_connection() -> None:
    """From now on this thread keeps its connection, unless there is a pool that does."""
    if not _is_pooled():
        connection.settings_dict = {**connection.settings_dict, "CONN_MAX_AGE": None}


def begin_call() -> None:
    """Give up a connection that the server has ended meanwhile: the next query opens another."""
    if connection.connection is not None and _has_ended():
        connection.close()


def end_call(*, has_failed: bool) -> None:
    """The connection goes back to the pool, or stays; one that failed is not trusted again."""
    if has_failed or _is_pooled():
        connection.close()


def close_connection() -> None:
    connection.close()


def _has_ended() -> bool:
    """Without asking the server: an idle PostgreSQL connection has nothing to read but its end."""
    raw = connection.connection
    if connection.vendor != "postgresql":
        return False
    if raw.closed:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _is_pooled() -> bool:
    return bool(connection.settings_dict["OPTIONS"].get("pool"))
