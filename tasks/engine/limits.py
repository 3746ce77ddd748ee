"""Requests and tokens a minute: buckets that all workers share, taken in the claim's transaction.

The providers' rows are locked from the beginning of a claim to its end, so claims come one after
another; a whole claim costs one more write a provider, a call none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import F

from tasks.conf import get_conf
from tasks.engine.claimed import DueTask
from tasks.engine.parking import first_held, place_of, wake
from tasks.engine.verdict import Verdict
from tasks.errors import provider_error_class
from tasks.models import ProviderState
from tasks.policy.quota import Quota, Wait, estimate_tokens, spend
from tasks.querysets import database_now
from tasks.vocabulary import Outcome, Provider


class Limits:
    """One claim's hold on the buckets. Nothing is kept before `save`."""

    def __init__(self, states: Mapping[str, ProviderState], now: datetime) -> None:
        """states: the locked rows, of every limited provider."""
        self._now = now.timestamp()
        self._quotas = quotas()
        self._states = states
        self._fills = {provider: states[provider].fill for provider in self._quotas}
        self._heads: dict[Provider, tuple[int, int]] = {}
        self._spent: set[Provider] = set()

    @property
    def are_any(self) -> bool:
        return bool(self._quotas)

    def __bool__(self) -> bool:
        return bool(self._quotas)

    def let_in(self, most: int) -> None:
        """Make as many held tasks due as there is room for, the most urgent first."""
        for provider, quota in self._quotas.items():
            fill, ids = self._fills[provider], []
            for place, needs in first_held(_gates(provider), most, is_locking=True):
                left = spend(quota, fill, round(needs), self._now)
                if isinstance(left, Wait):
                    self._heads[provider] = place
                    break
                fill = left
                ids.append(place[1])
            wake(ids)

    def tokens_of(self, task: DueTask) -> int:
        """What a call for this task is reckoned to count for."""
        if not self._quotas:
            return 0
        return estimate_tokens(prompt=task.prompt, system=task.system, max_tokens=task.max_tokens)

    def hindrance(self, provider: Provider, task: DueTask, tokens: int) -> str:
        """Why no call for this task may go there just now; empty: it may.

        A task that waits in front of this one is not overtaken, however small this one is.
        """
        quota = self._quotas.get(provider)
        if quota is None:
            return ""
        left = spend(quota, self._fills[provider], tokens, self._now)
        if isinstance(left, Wait):
            return left.reason
        head = self._heads.get(provider)
        if head is not None and head < place_of(task.priority + task.boost, task.id):
            return "behind more urgent tasks that wait for its limit"
        return ""

    def close_line(self, provider: Provider, task: DueTask) -> None:
        """This task waits there; whoever comes later in the queue waits behind it."""
        place = place_of(task.priority + task.boost, task.id)
        self._heads[provider] = min(place, self._heads.get(provider, place))

    def take(self, provider: Provider, tokens: int) -> int | None:
        """Take for one call. Returns the tokens to correct when it is over; None: not counted."""
        quota = self._quotas.get(provider)
        if quota is None:
            return None
        left = spend(quota, self._fills[provider], tokens, self._now)
        if not isinstance(left, Wait):
            self._fills[provider] = left
            self._spent.add(provider)
        return None if quota.tokens is None else tokens

    def save(self) -> None:
        for provider in self._spent:
            state = self._states[provider]
            state.fill = self._fills[provider]
            state.save(update_fields=["fill_json", "tokens_back", "updated_at"])


def quotas() -> dict[Provider, Quota]:
    """The providers that have a limit."""
    return {name: own.quota for name, own in get_conf().providers.items() if own.quota}


def lock_limited() -> dict[str, ProviderState]:
    """Every provider's state, locked: also of those without a limit, so that all who lock several
    do it in one order. Empty if there is no limit at all."""
    names = [provider.value for provider in quotas()]
    if not names:
        return {}
    states = _locked()
    if missing := [name for name in names if name not in states]:
        ProviderState.objects.bulk_create(
            [ProviderState(name=name) for name in missing], ignore_conflicts=True
        )
        states = _locked()
    return states


def seconds_to_quota() -> float | None:
    """Seconds until the first held task can be let in; None if none is held. Locks nothing."""
    limited = quotas()
    if not limited:
        return None
    states = ProviderState.objects.in_bulk([provider.value for provider in limited])
    waits, now = [], database_now().timestamp()
    for provider, quota in limited.items():
        for _, needs in first_held(_gates(provider), 1):
            fill = states[provider].fill if provider in states else ProviderState().fill
            left = spend(quota, fill, round(needs), now)
            waits.append(left.seconds if isinstance(left, Wait) else 0.0)
    return min(waits, default=None)


def correct_tokens(provider: str, verdicts: Iterable[Verdict]) -> None:
    """Put what calls really used in the place of what was reckoned; one statement, nothing read."""
    too_many = sum(v.reserved_tokens - _used(v) for v in verdicts if v.reserved_tokens is not None)
    if too_many:
        rows = ProviderState.objects.filter(name=provider)
        rows.update(tokens_back=F("tokens_back") + too_many)


def _used(verdict: Verdict) -> int:
    if verdict.prompt_tokens is not None and verdict.completion_tokens is not None:
        return verdict.prompt_tokens + verdict.completion_tokens
    if verdict.outcome in (Outcome.FAILED, Outcome.DEFERRED):
        is_counted = provider_error_class(verdict.error_code).may_be_billed
        return (verdict.reserved_tokens or 0) if is_counted else 0
    return verdict.reserved_tokens or 0


def _gates(provider: Provider) -> tuple[str, str]:
    return provider.value, Provider.AUTO.value


def _locked() -> dict[str, ProviderState]:
    rows = ProviderState.objects.select_for_update().order_by("name")
    return {state.name: state for state in rows}
