"""Can this installation do its work: database, migrations, workers. Answers in time, always."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta

from django.db import Error, connection

from tasks.conf import get_conf
from tasks.models import Worker
from tasks.pending import pending_migrations
from tasks.querysets import database_now

_DEADLINE_S = 2.0
_NO_ANSWER = f"no answer within {_DEADLINE_S:g} s"
# A database that is away holds these threads for as long as its driver waits, never a request.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="readiness")

type_problems = dict[str, str]


def find_problems() -> type_problems:
    """Each part that is not ready, and why; empty means that tasks are accepted and run.

    Parts: `database`, `migrations`, `workers`. Takes two seconds at most.
    """
    asked: Future[type_problems] = _threads.submit(_ask)
    done, _ = wait([asked], timeout=_DEADLINE_S)
    if not done:
        asked.cancel()
        return {"database": _NO_ANSWER}
    return asked.result()


def _ask() -> type_problems:
    try:
        connection.ensure_connection()
        checks: dict[str, Callable[[], str]] = {
            "migrations": _missing_migrations,
            "workers": _missing_workers,
        }
        for part, check in checks.items():
            if problem := check():  # tables may be missing: stop at the first
                return {part: problem}
    except Error as fault:
        # The text may name hosts and users; whoever may know them has the log.
        return {"database": type(fault).__name__}
    finally:
        connection.close()
    return {}


def _missing_migrations() -> str:
    pending = pending_migrations()
    return f"{pending} not applied: run `./run migrate`" if pending else ""


def _missing_workers() -> str:
    lease = timedelta(seconds=get_conf().lease_s)
    if Worker.objects.filter(beat_at__gt=database_now() - lease).exists():
        return ""
    return "no worker was heard of lately: run `./run` or `manage.py qcluster`"
