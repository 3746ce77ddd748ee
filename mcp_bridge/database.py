"""The database from asynchronous code: on a worker thread, with a connection that is alive."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import InterfaceError, OperationalError, close_old_connections

from mcp_bridge.caller import Caller
from tasks.errors import DatabaseUnavailable

Result = TypeVar("Result")
log = structlog.get_logger(__name__)

_AT_ONCE = 12  # of the 16 connections that a web process pools: the pages keep some
_threads = anyio.CapacityLimiter(_AT_ONCE)


async def on_database(caller: Caller, function: Callable[[AbstractBaseUser], Result]) -> Result:
    """What `function` makes of the caller's user.

    Raises:
        DatabaseUnavailable: it did not answer; the next call tries a new connection.
    """
    return await on_thread(functools.partial(_with_user, caller, function))


async def on_thread(function: Callable[[], Result]) -> Result:
    """`function` on a worker thread. A caller who hangs up does not wait for it to end.

    Raises:
        DatabaseUnavailable: the database did not answer.
    """
    call = functools.partial(_with_fresh_connections, function)
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=_threads)


def _with_user(caller: Caller, function: Callable[[AbstractBaseUser], Result]) -> Result:
    caller.count_call()
    return function(caller.find_user())


def _with_fresh_connections(function: Callable[[], Result]) -> Result:
    # A server lives for weeks: a connection that died meanwhile must not fail every later call.
    close_old_connections()
    try:
        return function()
    except (OperationalError, InterfaceError) as fault:
        log.warning("database_unavailable", reason=str(fault).strip().partition("\n")[0])
        raise DatabaseUnavailable("The database does not answer. Try again soon.") from fault
    finally:
        close_old_connections()
