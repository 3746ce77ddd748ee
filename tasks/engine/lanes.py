"""The shared state of the providers, read by each claim and learned from by each settle.

Nothing is written while all is well: the row is locked only when a call failed, a provider asked
for patience, or a breaker's probe goes or comes back. So there is no hot row under load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db.models import F

from tasks.conf import get_conf
from tasks.engine.limits import correct_tokens
from tasks.engine.refused_keys import Keys, keys_of, set_aside
from tasks.engine.verdict import Verdict
from tasks.errors import ProviderError, provider_error_class
from tasks.models import Attempt, ProviderState, Task
from tasks.policy.breaker import WINDOW_S, BreakerState, Slice
from tasks.vocabulary import Outcome, Provider, Status

log = structlog.get_logger(__name__)

_WAKE_SHARES = 10
_WAKE_SPREAD_S = 3.0


class Lanes:
    """One claim's view of every provider's state, inside its transaction."""

    def __init__(self, states: Mapping[str, ProviderState], now: datetime) -> None:
        self._now = now
        self._states = dict(states)

    def block(self, provider: Provider) -> tuple[float, str] | None:
        """Until when the lane is shut and why; None: open."""
        state = self._states.get(provider.value)
        return state.block(self._now) if state else None

    def is_out(self, provider: Provider) -> bool:
        state = self._states.get(provider.value)
        return state is not None and state.is_out(self._now)

    def keys(self, provider: Provider) -> Keys:
        """Which of its keys are set aside."""
        return keys_of(provider, self._states.get(provider.value), self._now)

    def admit(self, provider: Provider) -> tuple[bool, bool]:
        """(may this call go, is it the breaker's probe). The row is locked for a probe only."""
        state = self._states.get(provider.value)
        if state is None or state.breaker.state is BreakerState.CLOSED:
            return True, False
        locked = ProviderState.objects.select_for_update().get(name=provider.value)
        conf = get_conf()
        admitted = locked.breaker.admit(
            self._now.timestamp(), probe_lease_s=conf.call_timeout_s + conf.lease_s
        )
        if admitted is None:
            self._states[provider.value] = locked  # another worker's probe was first
            return False, False
        locked.breaker, is_probe = admitted
        locked.save()
        self._states[provider.value] = locked
        return True, is_probe


def read_states() -> dict[str, ProviderState]:
    """Every provider's state as it is now, by name; nothing is locked."""
    return {state.name: state for state in ProviderState.objects.all()}


def learn(verdicts: Sequence[Verdict], new: Sequence[Verdict], now: datetime) -> None:
    """What these calls tell about their providers, inside the transaction that settles them.

    new: those of them that nobody has settled before; they correct the limits.
    """
    telling = [verdict for verdict in verdicts if _is_telling(verdict)]
    counted = [verdict for verdict in new if verdict.reserved_tokens is not None]
    for provider in sorted({verdict.provider for verdict in [*telling, *counted]}):
        if told := [v for v in telling if v.provider == provider]:
            _change_state(provider, told, now)
        correct_tokens(provider, [v for v in counted if v.provider == provider])


def _change_state(provider: str, verdicts: Sequence[Verdict], now: datetime) -> None:
    state = _lock(provider)
    before = state.breaker.state
    _learn_from(verdicts, state, now)
    state.save()
    if (breaker := state.breaker).state is not before:
        log.warning(
            "breaker moved", provider=provider, state=str(breaker.state), reason=breaker.reason
        )
        if breaker.state is BreakerState.CLOSED:
            wake_lane(provider, max(now, state.deferred_until or now))


def wake_lane(provider: str, now: datetime) -> None:
    """The tasks that waited for this provider are due again, spread over a few seconds so that a
    provider that just came back does not meet all of them in one instant. Those that wait for
    something of their own, a user's time or the pause after a failed call, go on waiting."""
    waiting = (
        Task.objects.filter(status=Status.PENDING, wake_at__isnull=False)
        .filter(provider__in=[provider, Provider.AUTO.value])
        .filter(waiting_reason__contains=f"{provider}: ")  # as the router names a shut lane
        .exclude(run_after__gt=now)
        .exclude(held_by=provider)
        .annotate(share=F("id") % _WAKE_SHARES)
    )
    for share in range(_WAKE_SHARES):
        moment = now + timedelta(seconds=share * _WAKE_SPREAD_S / _WAKE_SHARES)
        waiting.filter(share=share, wake_at__gt=moment).update(
            wake_at=moment,
            waiting_reason=f"{provider}: open again, those that waited come back within seconds",
        )


def _is_telling(verdict: Verdict) -> bool:
    is_wait = verdict.lane_wait_s is not None
    return verdict.is_probe or is_wait or _is_failure(verdict)


def _is_refusal(verdict: Verdict) -> bool:
    """No further call with this key can succeed until somebody acts."""
    error = _error_of(verdict)
    return error is not None and error.opens_breaker


def _leaves_a_key(verdict: Verdict, state: ProviderState, now: datetime) -> bool:
    """The refused key is set aside; whether another one is left to call with."""
    return bool(verdict.key_id) and set_aside(state, verdict.key_id, verdict.error_code, now)


def _is_failure(verdict: Verdict) -> bool:
    error = _error_of(verdict)
    return error is not None and error.trips_breaker


def _learn_from(verdicts: Sequence[Verdict], state: ProviderState, now: datetime) -> None:
    for verdict in verdicts:
        if verdict.lane_wait_s is not None:
            until = now + timedelta(seconds=verdict.lane_wait_s)
            state.defer(until, f"{verdict.error_code} from {verdict.provider}")
    breaker, moment = state.breaker, now.timestamp()
    excused = [v for v in verdicts if _is_refusal(v) and _leaves_a_key(v, state, now)]
    for verdict in verdicts:
        if verdict.is_probe and (verdict.outcome is Outcome.UNKNOWN or verdict in excused):
            breaker = breaker.release_probe(moment)
        elif verdict not in excused and (verdict.is_probe or _is_refusal(verdict)):
            breaker = breaker.record(_error_of(verdict), now=moment, is_probe=verdict.is_probe)
    was_closed = state.breaker.state is BreakerState.CLOSED
    if breaker.state is BreakerState.CLOSED and not was_closed:
        state.refused_keys = {}  # the probe was answered: whatever was wrong may be mended
    failures = [v for v in verdicts if v not in excused and not v.is_probe and _is_failure(v)]
    if failures and breaker.state is BreakerState.CLOSED:
        counted = replace(breaker, window=_window(state.name, now))
        breaker = counted.record(_error_of(failures[-1]), now=moment)
    state.breaker = replace(breaker, window=())  # the attempt log is the window


def _window(provider: str, now: datetime) -> tuple[Slice, ...]:
    """The last minute's calls by the attempt log, but for the one that is about to count."""
    ended = Attempt.objects.filter(
        provider=provider,
        finished_at__gt=now - timedelta(seconds=WINDOW_S),
        outcome__in=[Outcome.SUCCEEDED, Outcome.FAILED],
    ).values_list("error_code", flat=True)
    codes = list(ended)
    failures = sum(1 for code in codes if code and provider_error_class(code).trips_breaker)
    return (Slice(start=now.timestamp(), calls=len(codes) - 1, failures=failures - 1),)


def _error_of(verdict: Verdict) -> ProviderError | None:
    """The error that this verdict was made of; None for an answer, and for a released call."""
    if verdict.outcome in (Outcome.SUCCEEDED, Outcome.UNKNOWN) or not verdict.error_code:
        return None
    return provider_error_class(verdict.error_code)(verdict.message)


def _lock(provider: str) -> ProviderState:
    ProviderState.objects.get_or_create(name=provider)
    return ProviderState.objects.select_for_update().get(name=provider)
