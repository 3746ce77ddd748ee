"""What operators do to a provider: pause, resume, force its breaker. For every worker at once."""

from __future__ import annotations

from django.db import transaction

from tasks.engine.lanes import wake_lane
from tasks.engine.wakeup import hint
from tasks.errors import InvalidInput
from tasks.models import ProviderState
from tasks.policy.breaker import Force
from tasks.querysets import database_now
from tasks.services.audit import note
from tasks.vocabulary import REAL_PROVIDERS


def pause(name: str) -> ProviderState:
    """No further call goes there; calls under way end. Raises: InvalidInput for no provider."""
    return _steer(name, is_paused=True)


def resume(name: str) -> ProviderState:
    """Calls go there again, the waiting tasks within seconds.

    Raises: InvalidInput for no provider.
    """
    return _steer(name, is_paused=False)


def force_breaker(name: str, state: str) -> ProviderState:
    """state: `open`, `closed`, or `auto` for a fresh breaker that decides for itself.

    Raises: InvalidInput for no provider or another word.
    """
    if state not in tuple(Force):
        raise InvalidInput({"state": [f"Must be one of {', '.join(Force)}."]})
    return _steer(name, force=Force(state))


@transaction.atomic
def _steer(
    name: str, *, is_paused: bool | None = None, force: Force | None = None
) -> ProviderState:
    if name not in REAL_PROVIDERS:
        raise InvalidInput({"name": [f"Must be one of {', '.join(REAL_PROVIDERS)}."]})
    ProviderState.objects.get_or_create(name=name)
    state = ProviderState.objects.select_for_update().get(name=name)
    if is_paused is not None:
        state.is_paused = is_paused
    if force is not None:
        state.breaker = state.breaker.forced(force)
        state.deferred_until, state.deferred_reason = None, ""
        state.refused_keys = {}
    state.save()
    if is_paused is not None:
        note("provider.pause" if is_paused else "provider.resume", f"provider {name}")
    if force is not None:
        note("provider.breaker", f"provider {name}", state=force.value)
    now = database_now()
    if state.block(now) is None:
        wake_lane(name, now)
        hint()
    return state
