"""The day's money: reserved in the claim's transaction before a call, corrected when it is settled.

A call whose price is not known (a local server, a model that the catalogue lacks) and the mock
are not counted. A call that may have been billed without an answer keeps its reservation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import F

from tasks.conf import get_conf
from tasks.engine.claimed import DueTask
from tasks.engine.parking import Hold, first_held, wake
from tasks.engine.verdict import Verdict
from tasks.errors import provider_error_class
from tasks.models import DailySpend
from tasks.models.rollup import UNITS_A_DOLLAR
from tasks.policy.pricing import estimate_usd
from tasks.policy.routing import Call
from tasks.providers.catalogue import load_catalogue
from tasks.querysets import database_now
from tasks.vocabulary import Outcome

GATE = "budget"


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """So many units were taken from that day."""

    day: date
    units: int


class Budget:
    """One claim's hold on the day's money; the row is locked until its transaction ends."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._day = now.astimezone(UTC).date()
        self._limit_usd = get_conf().daily_budget_usd
        self._taken = 0
        self._room = 0
        if self._limit_usd is not None:
            self._room = _units(self._limit_usd) - _lock(self._day).committed_units

    def __bool__(self) -> bool:
        return self._limit_usd is not None

    def let_in(self, most: int) -> None:
        """Make the held tasks due that today's rest allows, the most urgent first."""
        room, ids = self._room, []
        for place, needs in first_held([GATE], most, fitting=room, is_locking=True):
            if needs <= room:
                room -= round(needs)
                ids.append(place[1])
        wake(ids)

    def quote(self, task: DueTask, way: Call) -> Reservation | Hold | None:
        """The money that this call may need, or the wait for it. None: nothing to reserve."""
        if self._limit_usd is None:
            return None
        estimate = self._estimate(task, way)
        if not estimate:
            return None
        if estimate > self._room - self._taken:
            return self._hold(estimate)
        return Reservation(day=self._day, units=estimate)

    def take(self, reservation: Reservation | None) -> Reservation | None:
        """The call goes: its money is not there for the next."""
        self._taken += reservation.units if reservation else 0
        return reservation

    def save(self) -> None:
        if self._taken:
            _add(self._day, self._taken)

    def _estimate(self, task: DueTask, way: Call) -> int | None:
        entry = load_catalogue().resolve(way.provider, way.model)
        usd = estimate_usd(
            entry.price if entry else None,
            prompt=task.system + task.prompt,
            max_tokens=task.max_tokens,
            at=self._now,
        )
        return None if usd is None else _units(usd)

    def _hold(self, estimate: int) -> Hold:
        midnight = datetime.combine(self._day + timedelta(days=1), datetime.min.time(), UTC)
        # The same for all, for people count tasks by their reasons.
        reason = (
            f"daily budget of {self._limit_usd} USD: what is left until midnight UTC does not "
            "cover this call"
        )
        return Hold(by=GATE, needs=estimate, until=midnight.timestamp(), reason=reason)


def seconds_to_budget() -> float | None:
    """0 if a held task could be let in now; None if none can. Locks nothing."""
    limit_usd = get_conf().daily_budget_usd
    if limit_usd is None:
        return None
    room = _units(limit_usd) - _units(committed_usd(database_now()))
    return 0.0 if first_held([GATE], 1, fitting=room) else None


def committed_usd(now: datetime) -> Decimal:
    """What this day has cost so far, running calls by their estimates."""
    spend = DailySpend.objects.filter(day=now.astimezone(UTC).date()).first()
    return spend.committed_usd if spend else Decimal(0)


def correct_budget(verdicts: Iterable[Verdict]) -> None:
    """Put what calls really cost in the place of what was reserved, each once."""
    differences: dict[date, int] = defaultdict(int)
    for verdict in verdicts:
        if verdict.reserved_units and verdict.reserved_on:
            day = date.fromisoformat(verdict.reserved_on)
            differences[day] += _charged(verdict) - verdict.reserved_units
    for day in sorted(differences):
        if differences[day]:
            _add(day, differences[day])


def _charged(verdict: Verdict) -> int:
    if verdict.cost_usd is not None:
        return _units(verdict.cost_usd)
    if verdict.outcome in (Outcome.FAILED, Outcome.DEFERRED):
        is_counted = provider_error_class(verdict.error_code).may_be_billed
        return (verdict.reserved_units or 0) if is_counted else 0
    return verdict.reserved_units or 0


def _add(day: date, units: int) -> None:
    DailySpend.objects.filter(day=day).update(committed_units=F("committed_units") + units)


def _lock(day: date) -> DailySpend:
    locked = DailySpend.objects.select_for_update()
    if (spend := locked.filter(day=day).first()) is not None:
        return spend
    DailySpend.objects.bulk_create([DailySpend(day=day)], ignore_conflicts=True)
    return locked.get(day=day)


def _units(usd: Decimal) -> int:
    return int(usd * UNITS_A_DOLLAR)
