"""The straight line: claim → route → call → settle, until told to leave.

A drain is one worker process: this coordinator in the main thread, which alone speaks to the
database, and a pool of threads which alone speak to providers. Between them: answers, and a bell.
"""

from __future__ import annotations

import random
import select
import signal
import time

import structlog
from django.db import DatabaseError

from tasks.conf import Conf, get_conf
from tasks.engine.call import Caller
from tasks.engine.callers import Callers
from tasks.engine.claim import claim, seconds_to_next_wake
from tasks.engine.housekeeping import Housekeeper
from tasks.engine.journal import Journal
from tasks.engine.lifeline import current_lifeline
from tasks.engine.presence import RECONNECT_S, SAFETY_POLL_S, Presence
from tasks.engine.sessions import DATABASE_LOST, bound_transactions
from tasks.engine.settle import settle_each
from tasks.engine.verdict import Verdict, judge, release

log = structlog.get_logger(__name__)

STOP_GRACE_S = 6.0
_GATHER_S = 0.004
_GATHER_ABOVE_CALLS = 8


def drain() -> None:
    """A worker's whole life. Returns when the cluster stops; django-q2 forks the next one."""
    try:
        bound_transactions(get_conf().lease_s)
        Drain(get_conf()).run()
    except Exception:
        log.exception("drain failed; its leases lapse, a new worker takes over")
        time.sleep(RECONNECT_S)  # whatever it was, no hot loop of forks


class Drain:
    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._presence = Presence(conf)
        self._callers = Callers(conf.slots_per_worker, Caller(conf))
        self._journal = Journal(conf.journal_dir, self._presence.name)
        self._unsettled: list[Verdict] = []
        self._housekeeper = Housekeeper()
        self._lifeline = current_lifeline()
        self._is_told_to_leave = False
        self._claim_again_at = 0.0

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        log.info("drain started", worker=self._presence.name, slots=self._callers.slots)
        self._housekeeper.start()
        while not self._is_leaving():
            self._gather()
            try:
                self._connect()
                self._settle()
                self._claim()
                self._presence.do_chores(self._callers.calling)
            except DATABASE_LOST as error:
                self._presence.lose(error, kept=len(self._unsettled))
            self._sleep()
        self._leave()

    def _gather(self) -> None:
        """Take the answers; they are on disk before anything else happens to them."""
        answers = self._callers.take()
        if answers and len(self._callers.calling) > _GATHER_ABOVE_CALLS:
            time.sleep(_GATHER_S)  # others are about to answer: one transaction for all of them
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

    def _connect(self) -> None:
        if not self._presence.is_connected:
            self._presence.connect()
            self._claim_again_at = 0.0

    def _settle(self) -> None:
        if self._unsettled:
            if settle_each(self._unsettled):
                self._claim_again_at = 0.0
            self._unsettled = []
            self._journal.forget()

    def _claim(self) -> None:
        free = self._callers.free
        if free <= 0 or time.monotonic() < self._claim_again_at:
            return
        brought = claim(free, self._presence.name)
        for claimed in brought.claimed:
            self._callers.start(claimed)
        if brought.is_dry:  # until a hint, a waking task, the safety poll
            wake_s = seconds_to_next_wake()
            pause_s = SAFETY_POLL_S if wake_s is None else min(SAFETY_POLL_S, wake_s)
            self._claim_again_at = time.monotonic() + pause_s

    def _sleep(self) -> None:
        """Until an answer, a hint, an order to leave, or the next thing that is due."""
        fds = [self._callers.bell_fd]
        if self._lifeline is not None:
            fds += [self._lifeline.stop_fd, self._lifeline.life_fd]
        until, is_listening = self._presence.wake_at, self._callers.free > 0
        if is_listening and self._presence.is_connected:
            until = min(until, self._claim_again_at)
        self._doze(fds, until, is_listening)  # without a slot no hint is of use

    def _doze(self, fds: list[int], until: float, is_listening: bool) -> None:
        """The loop of an idle worker: nothing but a look at the descriptors and for a hint."""
        while True:
            hint_fd = self._presence.hint_fd if is_listening else None
            poll_s = self._presence.poll_s if is_listening else SAFETY_POLL_S
            rest_s = max(0.0, min(poll_s, until - time.monotonic()))
            ready = select.select(fds if hint_fd is None else [*fds, hint_fd], [], [], rest_s)[0]
            is_called = any(fd in fds for fd in ready)
            if self._has_heard_hint() or is_called or time.monotonic() >= until:
                return

    def _has_heard_hint(self) -> bool:
        try:
            is_hint = self._presence.heard_hint()
        except (DatabaseError, OSError) as error:
            self._presence.lose(error, kept=len(self._unsettled))
            return True
        if is_hint:
            self._claim_again_at = 0.0
        return is_hint

    def _on_signal(self, signum: int, frame: object) -> None:
        self._is_told_to_leave = True

    def _is_leaving(self) -> bool:
        if self._is_told_to_leave or self._lifeline is None:
            return self._is_told_to_leave
        return self._lifeline.is_stop_ordered() or self._lifeline.is_parent_gone()

    def _leave(self) -> None:
        """Finish what can be finished within the grace time, give the rest back, be gone."""
        deadline = time.monotonic() + STOP_GRACE_S
        self._housekeeper.stop()
        log.info("drain leaving", worker=self._presence.name, calls=len(self._callers.calling))
        while self._callers.calling and time.monotonic() < deadline and not self._is_orphan():
            self._callers.wait(0.2)
            self._gather()
            self._try_to_settle()
            self._try_to_beat()
        self._gather()
        self._unsettled += [
            release(claimed, "Its worker was stopped in mid-call; the task runs again.")
            for claimed in self._callers.calling
        ]
        is_settled = self._try_to_settle()
        self._presence.sign_off()
        self._journal.close(remove=is_settled)
        log.info("drain left", worker=self._presence.name)

    def _is_orphan(self) -> bool:
        return self._lifeline is not None and self._lifeline.is_parent_gone()

    def _try_to_beat(self) -> None:
        """Hold the leases of what is still being called, however short they are."""
        try:
            self._presence.do_chores(self._callers.calling)
        except DATABASE_LOST as error:
            self._presence.lose(error, kept=len(self._unsettled))

    def _try_to_settle(self) -> bool:
        """False if the database is away: the journal keeps the answers for the next worker."""
        try:
            self._settle()
        except DATABASE_LOST as error:
            self._presence.lose(error, kept=len(self._unsettled))
            return False
        return True
