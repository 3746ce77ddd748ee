"""The database from asynchronous code: on a worker thread, with a connection that is alive."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import InterfaceError, OperationalError

from mcp_bridge.caller import Caller
from mcp_bridge.connections import begin_call, end_call
from mcp_bridge.threads import AT_ONCE, DatabaseThreads
from tasks.errors import DatabaseUnavailable, DomainError
from tasks.services.audit import Actor, acting
from tasks.vocabulary import Door

Result = TypeVar("Result")
log = structlog.get_logger(__name__)

threads = DatabaseThreads(AT_ONCE)


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
    return await threads.run(functools.partial(_with_live_connection, function))


def _with_user(caller: Caller, function: Callable[[AbstractBaseUser], Result]) -> Result:
    caller.count_call()
    user = caller.find_user()
    with acting(Actor(door=Door.MCP, user=user, key_id=caller.key_id)):
        return function(user)


def _with_live_connection(function: Callable[[], Result]) -> Result:
    # A server lives for weeks: a connection that died meanwhile must not fail every later call.
    has_failed = True
    try:
        begin_call()
        result = function()
        has_failed = False
    except (OperationalError, InterfaceError) as fault:
        log.warning("database_unavailable", reason=str(fault).strip().partition("\n")[0])
        raise DatabaseUnavailable("The database does not answer. Try again soon.") from fault
    except DomainError:
        has_failed = False
        raise
    finally:
        end_call(has_failed=has_failed)
    return result
