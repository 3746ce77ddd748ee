"""`TASKRUNNER_MOCK=fallback`: tasks that would FAIL while every provider is out go to the mock.

A task that is PENDING with all its attempts spent is one of those; no provider is called for it
again, see route.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tasks.conf import get_conf
from tasks.engine.verdict import Verdict
from tasks.errors import provider_error_class
from tasks.models import Attempt, ProviderState
from tasks.policy.breaker import WINDOW_S
from tasks.vocabulary import MockMode, Outcome, Provider, Status


def leave_to_mock(verdicts: Sequence[Verdict], now: datetime) -> list[Verdict]:
    """The verdicts, those that would end a task for its providers' fault PENDING instead. Call it
    after the providers' state has learned of them."""
    conf = get_conf()
    if conf.mock is not MockMode.FALLBACK or not any(_is_providers_fault(v) for v in verdicts):
        return list(verdicts)
    if not all(_is_out(provider, now) for provider in conf.configured):
        return list(verdicts)
    return [replace(v, status=Status.PENDING) if _is_providers_fault(v) else v for v in verdicts]


def _is_providers_fault(verdict: Verdict) -> bool:
    is_failed = verdict.status is Status.FAILED and bool(verdict.error_code)
    return is_failed and provider_error_class(verdict.error_code).trips_breaker


def _is_out(provider: Provider, now: datetime) -> bool:
    """Shut for all, or called within the last minute and not answering anybody. A breaker needs
    several failures to open; a quiet installation may not make so many."""
    state = ProviderState.objects.filter(name=provider.value).first()
    if state is not None and state.is_out(now):
        return True
    ended = Attempt.objects.filter(
        provider=provider.value, finished_at__gt=now - timedelta(seconds=WINDOW_S)
    )
    outcomes = set(ended.values_list("outcome", flat=True).distinct())
    return Outcome.FAILED in outcomes and Outcome.SUCCEEDED not in outcomes
