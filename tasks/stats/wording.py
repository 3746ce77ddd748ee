"""Figures in words for people."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from tasks.conf import get_conf
from tasks.errors import AuthenticationRefused, QuotaExhausted
from tasks.models import Task
from tasks.stats.lanes import LaneFigures
from tasks.vocabulary import SCHEDULED, Provider, Status

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float | None) -> str:
    """`420 ms`, `4.2 s`, `12 s`, `3 min`, `5 h`, `9 d`; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{int(seconds // size)} {unit}"


def plain(amount: Decimal) -> str:
    """All digits that matter and no exponent."""
    return f"{amount.normalize():f}"


def dollars(amount: Decimal) -> str:
    """`$12.34`, `$0.0123`, `$0.000045`: two digits that matter at least."""
    if amount == 0:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    places = min(10, max(4, 1 - amount.adjusted()))
    return f"${amount:.{places}f}"


def lane_words(lane: LaneFigures) -> str:
    """One word for how a provider's lane stands."""
    if lane.is_paused:
        return "paused"
    if lane.is_blocked and lane.breaker == "closed" and lane.force != "open":
        return "deferred"
    if lane.force != "auto":
        return f"forced {lane.force}"
    return {"closed": "open for calls", "open": "breaker open", "half_open": "probing"}[
        lane.breaker
    ]


def lane_remedy(lane: LaneFigures) -> str:
    """What a person must do before the lane's breaker can close for good; empty: nothing, the next
    probe tells whether the provider is well again."""
    if lane.breaker == "closed":
        return ""
    variable = get_conf().providers[Provider(lane.provider)].variable
    return {
        AuthenticationRefused.code: f"It refuses the key: mend {variable}, then restart.",
        QuotaExhausted.code: "No credit is left there: add some, or raise the limit.",
    }.get(lane.breaker_reason, "")


def waiting_words(task: Task) -> str:
    """Why a PENDING task does not run yet, and until when; empty for every other state."""
    if task.state is not Status.PENDING:
        return ""
    if task.wake_at is None:
        return "Due: waits for a free slot of a worker."
    until = timezone.localtime(task.wake_at).strftime("%Y-%m-%d %H:%M:%S %Z")
    if task.waiting_reason == SCHEDULED:
        return f"Scheduled: not to be called before {until}."
    left_s = max(0.0, (task.wake_at - timezone.now()).total_seconds())
    when = f"in {duration(left_s)}, at {until}" if left_s >= 1 else "now"
    return f"Waits because of {task.waiting_reason or 'a pause'}; next try {when}."
