"""Threads that look whether web answers and workers beat; they only report, the loop acts."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import Error as DatabaseFault
from django.db import connection
from django.db.models import Q

from taskrunner.supervisor.child import Child
from tasks.models import Task, Worker
from tasks.querysets import database_now
from tasks.vocabulary import Status

_LOOK_OFTEN_S = 0.1
_LOOK_SELDOM_S = 2.0
_ANSWER_S = 5.0
# A drain beats every 5 s at the latest, also after its machine has slept.
_STALE_FOR_S = 6.0

Report = Callable[[Child, int], None]
"""Told of a child, and of which of its starts is meant."""


def watch_web(child: Child, url: str, on_healthy: Report) -> threading.Thread:
    """Report each start of web that has answered a request."""
    return _start("watch-web", lambda: _look_at_web(child, url, on_healthy))


def watch_workers(
    child: Child, lease_s: float, on_healthy: Report, on_stale: Report
) -> threading.Thread:
    """Report each start whose worker has beaten, and one that beats no more while work waits."""
    return _start("watch-workers", lambda: _WorkerWatch(child, lease_s, on_healthy, on_stale).run())


def _start(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _look_at_web(child: Child, url: str, on_healthy: Report) -> None:
    while True:
        start = child.starts
        if child.pid and not child.is_healthy and _has_answer(url):
            on_healthy(child, start)
        time.sleep(_LOOK_OFTEN_S)


def _has_answer(url: str) -> bool:
    """Any answer will do: which hosts are allowed, and what is ready, is not asked here."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


class _WorkerWatch:
    def __init__(self, child: Child, lease_s: float, on_healthy: Report, on_stale: Report) -> None:
        self._child = child
        self._patience = timedelta(seconds=max(lease_s, _STALE_FOR_S))
        self._on_healthy = on_healthy
        self._on_stale = on_stale
        self._stale_since: float | None = None

    def run(self) -> None:
        while True:
            try:
                self._look()
            except DatabaseFault:  # it is away: nothing is known, nothing is said
                self._stale_since = None
                connection.close()
            time.sleep(_LOOK_SELDOM_S if self._child.is_healthy else _LOOK_OFTEN_S)

    def _look(self) -> None:
        child, start = self._child, self._child.starts
        if not child.pid:
            return
        now = database_now()
        if self._is_beating(now):
            self._stale_since = None
            if not child.is_healthy:
                self._on_healthy(child, start)
        elif time.monotonic() - child.started_at > self._patience.total_seconds():
            self._judge(child, start, now)

    def _judge(self, child: Child, start: int, now: datetime) -> None:
        """Silent since a whole lease, and with work waiting: after a last while, report it."""
        if not self._is_work_waiting(now):
            self._stale_since = None
        elif self._stale_since is None:
            self._stale_since = time.monotonic()
        elif time.monotonic() - self._stale_since > _STALE_FOR_S:
            self._stale_since = None
            self._on_stale(child, start)

    def _is_beating(self, now: datetime) -> bool:
        """One of this child's own workers was heard of lately; other clusters' do not count."""
        rows = Worker.objects.filter(
            host=socket.gethostname(), beat_at__gt=now - self._patience
        ).values_list("pid", flat=True)
        return any(_group_of(pid) == self._child.pid for pid in rows)

    def _is_work_waiting(self, now: datetime) -> bool:
        since = now - self._patience
        became_due = Q(wake_at=None, updated_at__lt=since) | Q(wake_at__lt=since)
        return Task.objects.filter(became_due, status=Status.PENDING).exists()


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
