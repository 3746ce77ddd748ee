"""What a drain does beside the line: heartbeat, rescue, and the registered periodic work."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tasks.conf import get_conf
from tasks.engine.aging import LOOK_EVERY_S, age
from tasks.engine.claimed import Claimed
from tasks.engine.gates import LOOK_EVERY_S as FREE_EVERY_S
from tasks.engine.gates import free_ungated
from tasks.engine.hanging_up import LOOK_EVERY_S as HANG_UP_EVERY_S
from tasks.engine.hanging_up import hang_up_cancelled
from tasks.engine.outbox import PRUNE_EVERY_S as PRUNE_EVENTS_EVERY_S
from tasks.engine.outbox import prune_events
from tasks.engine.partials import WRITE_EVERY_S, PartialWriter
from tasks.engine.rescue import beat, expire, forget_lost_workers, rescue
from tasks.engine.retention import LOOK_EVERY_S as PRUNE_EVERY_S
from tasks.engine.retention import prune
from tasks.engine.sharing import free_orphans
from tasks.models import Worker

_LONGEST_BEAT_S = 5.0


@dataclass(kw_only=True)
class Chore:
    """Something to do every `interval_s` seconds, first at `due_at` by the monotonic clock."""

    do: Callable[[], object]
    interval_s: float
    due_at: float


class Chores:
    """Made anew whenever the database is (again) there."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._calls: Collection[Claimed] = ()
        self.workers = 1
        """How many live, by the last beat."""
        now = time.monotonic()
        lease_s = get_conf().lease_s
        beat_s = min(_LONGEST_BEAT_S, lease_s / 3)
        self._beat = Chore(do=lambda: None, interval_s=beat_s, due_at=now)
        # Not at once: after an outage the lapsed leases' own workers come back first.
        self._rescue = Chore(do=rescue, interval_s=beat_s, due_at=now + beat_s)
        self._rescue_waits_for_others = False
        self._others = [
            self._rescue,
            Chore(do=expire, interval_s=1.0, due_at=now),
            Chore(do=age, interval_s=LOOK_EVERY_S, due_at=now + LOOK_EVERY_S),
            Chore(do=prune, interval_s=PRUNE_EVERY_S, due_at=now + PRUNE_EVERY_S),
            Chore(
                do=prune_events,
                interval_s=PRUNE_EVENTS_EVERY_S,
                due_at=now + PRUNE_EVENTS_EVERY_S,
            ),
            Chore(do=free_orphans, interval_s=1.0, due_at=now),
            Chore(do=free_ungated, interval_s=FREE_EVERY_S, due_at=now),
            Chore(do=forget_lost_workers, interval_s=lease_s, due_at=now),
            Chore(
                do=lambda: hang_up_cancelled(self._calls),
                interval_s=HANG_UP_EVERY_S,
                due_at=now,
            ),
        ]
        if get_conf().stream:
            writer = PartialWriter()
            write = Chore(
                do=lambda: writer.write(self._calls), interval_s=WRITE_EVERY_S, due_at=now
            )
            self._others.append(write)

    @property
    def next_due_at(self) -> float:
        """The moment of the next chore, by the monotonic clock."""
        return min(self._beat.due_at, *(chore.due_at for chore in self._others))

    def do_due(self, calls: Collection[Claimed]) -> None:
        now = time.monotonic()
        self._calls = calls
        if now >= self._beat.due_at:
            self._mind_a_stall(now)
            self.workers = beat(self._worker, calls)
            self._beat.due_at = now + self._beat.interval_s
        for chore in self._others:
            if now >= chore.due_at:
                chore.do()
                chore.due_at = now + chore.interval_s

    def _mind_a_stall(self, now: float) -> None:
        """A beat that comes late says that the database was held up, for others as well: their
        leases may have lapsed only because of that. Let them beat before any rescue, but once:
        on a host that is always late nobody's task may wait for ever."""
        if now - self._beat.due_at <= self._beat.interval_s:
            self._rescue_waits_for_others = False
        elif not self._rescue_waits_for_others:
            self._rescue_waits_for_others = True
            self._rescue.due_at = now + self._beat.interval_s
