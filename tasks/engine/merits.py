"""What speaks for a provider when a task leaves the choice to us: recent speed, health, price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from tasks.conf import get_conf
from tasks.engine.claimed import DueTask
from tasks.errors import provider_error_class
from tasks.models import Attempt
from tasks.policy.breaker import WINDOW_S
from tasks.policy.pricing import estimate_usd
from tasks.providers.catalogue import load_catalogue
from tasks.vocabulary import AutoRouting, Outcome, Provider

_LOOK_BACK = timedelta(minutes=15)
_NEWEST_CALLS = 200


@dataclass(frozen=True, kw_only=True)
class Merits:
    """As the routing policy wants them; None: not known, or of no interest."""

    p50_s: float | None = None
    failure_share: float | None = None
    estimated_usd: Decimal | None = None


class Scores:
    """One claim's view, looked up as the first task asks for it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._auto = get_conf().auto
        self._records: dict[Provider, Merits] = {}
        self._tried: set[Provider] = set()

    def merits(self, provider: Provider, model: str | None, task: DueTask) -> Merits:
        """What is known of that provider for this task."""
        record = self._record(provider)
        p50_s, usd = record.p50_s, None
        if p50_s is None and provider in self._tried:
            p50_s = math.inf  # one call of a claim finds out; the others go where it is known
        if self._auto is AutoRouting.CHEAPEST and model is not None:
            entry = load_catalogue().resolve(provider, model)
            usd = estimate_usd(
                entry.price if entry else None,
                prompt=task.system + task.prompt,
                max_tokens=task.max_tokens,
                at=self._now,
            )
        return Merits(p50_s=p50_s, failure_share=record.failure_share, estimated_usd=usd)

    def note_call(self, provider: Provider) -> None:
        """A task of this claim goes there."""
        self._tried.add(provider)

    def _record(self, provider: Provider) -> Merits:
        if provider not in self._records:
            self._records[provider] = recent_merits(provider, self._now)
        return self._records[provider]


def recent_merits(provider: Provider, now: datetime) -> Merits:
    """From the newest calls of the attempt log: the median of the answered ones of the last
    quarter of an hour, and the share of failures in the last minute."""
    calls = Attempt.objects.filter(
        provider=provider.value,
        finished_at__gt=now - _LOOK_BACK,
        outcome__in=[Outcome.SUCCEEDED, Outcome.FAILED],
    ).order_by("-finished_at")
    rows = calls.values_list("outcome", "error_code", "started_at", "finished_at")
    newest: list[tuple[Any, ...]] = list(rows[:_NEWEST_CALLS])
    times = [
        (end - start).total_seconds()
        for outcome, _, start, end in newest
        if outcome == Outcome.SUCCEEDED
    ]
    codes = [code for _, code, _, end in newest if end > now - timedelta(seconds=WINDOW_S)]
    failures = sum(1 for code in codes if code and provider_error_class(code).trips_breaker)
    return Merits(
        p50_s=median(times) if times else None,
        failure_share=failures / len(codes) if codes else None,
    )
