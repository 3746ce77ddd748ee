"""A worker's standing with the database: connected, beating, listening; or waiting for it."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Collection

import structlog
from django.db import DatabaseError, connection

from tasks.conf import Conf
from tasks.engine.chores import Chores
from tasks.engine.claimed import Claimed
from tasks.engine.journal import abandoned
from tasks.engine.settle import settle_each
from tasks.engine.wakeup import Watcher, open_watcher
from tasks.models import Worker
from tasks.querysets import database_now

log = structlog.get_logger(__name__)

SAFETY_POLL_S = 1.0
RECONNECT_S = 0.5


class Presence:
    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._host = socket.gethostname()
        self.name = f"{self._host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._watcher: Watcher | None = None
        self._chores: Chores | None = None

    @property
    def is_connected(self) -> bool:
        return self._watcher is not None

    @property
    def poll_s(self) -> float:
        """How long to sleep at most, seconds."""
        return RECONNECT_S if self._watcher is None else min(self._watcher.poll_s, SAFETY_POLL_S)

    @property
    def hint_fd(self) -> int | None:
        return None if self._watcher is None else self._watcher.fileno()

    @property
    def wake_at(self) -> float:
        """When to look again at the latest, by the monotonic clock: a chore, or a reconnect."""
        if self._watcher is None or self._chores is None:
            return time.monotonic() + RECONNECT_S
        return min(self._chores.next_due_at, time.monotonic() + SAFETY_POLL_S)

    def connect(self) -> None:
        """Listen, replay what killed workers of this machine left, begin to beat.

        Raises: OperationalError while the database is away.
        """
        self._watcher = open_watcher(SAFETY_POLL_S)
        with abandoned(self._conf.journal_dir) as verdicts:
            settle_each(verdicts)
        if verdicts:
            log.info("journal of a lost worker replayed", answers=len(verdicts))
        now = database_now()
        worker = Worker(
            name=self.name,
            host=self._host,
            pid=os.getpid(),
            slots=self._conf.slots_per_worker,
            started_at=now,
            beat_at=now,
        )
        self._chores = Chores(worker)

    def lose(self, error: Exception, kept: int) -> None:
        """Forget the dead connection; `kept` answers wait for the next one."""
        if self._watcher is not None:
            first_line = (str(error) or repr(error)).splitlines()[0]
            log.warning("database lost, answers are kept", kept=kept, error=first_line)
            self._watcher.close()
            self._watcher = None
        connection.close()

    def heard_hint(self) -> bool:
        """A hint has come since the last look. Raises: DatabaseError if the line is dead."""
        return self._watcher is not None and self._watcher.has_hint()

    def do_chores(self, calls: Collection[Claimed]) -> None:
        if self._chores is not None and self._watcher is not None:
            self._chores.do_due(calls)
            self._watcher.crowd = self._chores.workers

    def sign_off(self) -> None:
        """This worker is no more. A database that is away finds out by the missing beat."""
        try:
            Worker.objects.filter(name=self.name).delete()
        except DatabaseError:
            log.info("left while the database was away", worker=self.name)
