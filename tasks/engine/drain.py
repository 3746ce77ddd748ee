"""The straight line: claim → route → call → settle, until told to leave.

A drain is one worker process: this coordinator in the main thread, which alone speaks to the
database, and a pool of threads which alone speak to providers. Between them: answers, a bell.
"""

from __future__ import annotations

import os
import random
import secrets
import select
import signal
import socket
import time

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tasks.conf import Conf, get_conf
from tasks.engine.call import Caller
from tasks.engine.callers import Callers
from tasks.engine.chores import Chores
from tasks.engine.claim import claim, seconds_to_next_wake
from tasks.engine.journal import Journal, abandoned
from tasks.engine.lifeline import current_lifeline
from tasks.engine.settle import settle_each
from tasks.engine.verdict import Verdict, judge, release
from tasks.engine.wakeup import Watcher, open_watcher
from tasks.models import Worker
from tasks.querysets import database_now

log = structlog.get_logger(__name__)

SAFETY_POLL_S = 1.0
STOP_GRACE_S = 6.0
_RECONNECT_S = 0.5
_ROLL_S = 0.004
_ROLL_ABOVE_CALLS = 8


def drain() -> None:
    """A worker's whole life. Returns when the cluster stops; django-q2 forks the next one."""
    try:
        Drain(get_conf()).run()
    except Exception:
        log.exception("drain failed; its leases lapse, a new worker takes over")
        time.sleep(_RECONNECT_S)  # whatever it was, no hot loop of forks


class Drain:
    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        host = socket.gethostname()
        self.name = f"{host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._host = host
        self._callers = Callers(conf.slots_per_worker, Caller(conf))
        self._journal = Journal(conf.journal_dir, self.name)
        self._unsettled: list[Verdict] = []
        self._lifeline = current_lifeline()
        self._is_told_to_leave = False
        self._watcher: Watcher | None = None
        self._chores: Chores | None = None
        self._claim_again_at = 0.0

    # --- the line ---------------------------------------------------------------------------
    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        log.info("drain started", worker=self.name, slots=self._callers.slots)
        while not self._is_leaving():
            self._gather()
            try:
                self._connect()
                self._settle()
                self._claim()
                self._do_chores()
            except (OperationalError, InterfaceError) as error:
                self._lose_database(error)
            self._sleep()
        self._leave()

    def _gather(self) -> None:
        """Take the answers; they are on disk before anything else happens to them."""
        answers = self._callers.take()
        if answers and len(self._callers.calling) > _ROLL_ABOVE_CALLS:
            time.sleep(_ROLL_S)  # others are about to answer: one transaction for all of them
            answers += self._callers.take()
        verdicts = [judge(answer, self._conf, random.random) for answer in answers]
        if verdicts:
            self._keep(verdicts)
            self._unsettled += verdicts

    def _keep(self, verdicts: list[Verdict]) -> None:
        try:
            self._journal.keep(verdicts)
        except OSError as error:  # they are still in memory, and go to the database next
            log.error("journal cannot be written", path=str(self._journal.path), error=str(error))

    def _settle(self) -> None:
        if self._unsettled:
            settle_each(self._unsettled)
            self._unsettled = []
            self._journal.forget()

    def _claim(self) -> None:
        free = self._callers.free
        if free <= 0 or time.monotonic() < self._claim_again_at:
            return
        claimed = claim(free, self.name)
        for one in claimed:
            self._callers.start(one)
        if len(claimed) < free:  # the queue is dry: until a hint, a waking task, the safety poll
            wake_s = seconds_to_next_wake()
            pause_s = SAFETY_POLL_S if wake_s is None else min(SAFETY_POLL_S, wake_s)
            self._claim_again_at = time.monotonic() + pause_s

    def _do_chores(self) -> None:
        if self._chores is not None:
            self._chores.do_due(self._callers.calling)

    def _sleep(self) -> None:
        """Until an answer, a hint, an order to leave, or the next thing that is due."""
        fds = [self._callers.bell_fd]
        if self._lifeline is not None:
            fds += [self._lifeline.stop_fd, self._lifeline.life_fd]
        if self._watcher is None:
            timeout_s = _RECONNECT_S
        elif self._callers.free > 0:
            until_claim_s = max(0.0, self._claim_again_at - time.monotonic())
            timeout_s = min(self._watcher.poll_s, until_claim_s)
            if (fd := self._watcher.fileno()) is not None:
                fds.append(fd)
        else:  # no slot, so no hint is of use now
            timeout_s = SAFETY_POLL_S
        select.select(fds, [], [], timeout_s)
        self._hear_hint()

    def _hear_hint(self) -> None:
        if self._watcher is None:
            return
        try:
            if self._watcher.has_hint():
                self._claim_again_at = 0.0
        except (DatabaseError, OSError) as error:
            self._lose_database(error)

    # --- the database comes and goes ----------------------------------------------------------
    def _connect(self) -> None:
        if self._watcher is not None:
            return
        self._watcher = open_watcher(SAFETY_POLL_S)
        with abandoned(self._conf.journal_dir) as verdicts:
            settle_each(verdicts)
        if verdicts:
            log.info("journal of a lost worker replayed", answers=len(verdicts))
        self._chores = Chores(self._worker_row())
        self._claim_again_at = 0.0

    def _lose_database(self, error: Exception) -> None:
        """Keep what was answered, forget the dead connection, try again in a moment."""
        if self._watcher is not None:
            first_line = (str(error) or repr(error)).splitlines()[0]
            log.warning(
                "database lost, answers are kept", kept=len(self._unsettled), error=first_line
            )
            self._watcher.close()
            self._watcher = None
        connection.close()

    def _worker_row(self) -> Worker:
        now = database_now()
        return Worker(
            name=self.name, host=self._host, pid=os.getpid(), slots=self._callers.slots,
            started_at=now, beat_at=now,
        )  # fmt: skip

    # --- leaving ------------------------------------------------------------------------------
    def _on_signal(self, signum: int, frame: object) -> None:
        self._is_told_to_leave = True

    def _is_leaving(self) -> bool:
        if self._lifeline is None:
            return self._is_told_to_leave
        return (
            self._is_told_to_leave
            or self._lifeline.is_stop_ordered()
            or self._lifeline.is_parent_gone()
        )

    def _leave(self) -> None:
        """Finish what can be finished within the grace time, give the rest back, be gone."""
        deadline = time.monotonic() + STOP_GRACE_S
        log.info("drain leaving", worker=self.name, calls=len(self._callers.calling))
        while self._callers.calling and time.monotonic() < deadline and not self._is_orphan():
            self._callers.wait(0.2)
            self._gather()
            self._try_to_settle()
        self._gather()
        self._unsettled += [
            release(claimed, "Its worker was stopped in mid-call; the task runs again.")
            for claimed in self._callers.calling
        ]
        is_settled = self._try_to_settle()
        if is_settled:
            Worker.objects.filter(name=self.name).delete()
        self._journal.close(remove=is_settled)
        log.info("drain left", worker=self.name)

    def _is_orphan(self) -> bool:
        return self._lifeline is not None and self._lifeline.is_parent_gone()

    def _try_to_settle(self) -> bool:
        """False if the database is away: the journal keeps the answers for the next worker."""
        try:
            self._settle()
        except (OperationalError, InterfaceError) as error:
            self._lose_database(error)
            return False
        return True
