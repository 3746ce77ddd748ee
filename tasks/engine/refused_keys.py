"""A provider's key that was refused is set aside alone, for all workers; the others go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tasks.conf import get_conf
from tasks.models import ProviderState
from tasks.providers.keys import fingerprint
from tasks.vocabulary import Provider

log = structlog.get_logger(__name__)

KEY_ASIDE_S = 300.0
"""After so long a refused key gets another call: accounts are topped up, limits end."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """One claim's view of a provider's keys. has_spare: two or more may be used, so that one which
    is refused in this call leaves another for the next."""

    aside: frozenset[str]
    has_spare: bool


def keys_of(provider: Provider, state: ProviderState | None, now: datetime) -> Keys:
    own = _fingerprints(provider)
    aside = frozenset(state.keys_aside(now)) & own if state else frozenset()
    return Keys(aside=aside, has_spare=len(own - aside) > 1)


def set_aside(state: ProviderState, key_id: str, reason: str, now: datetime) -> bool:
    """Remember the refusal. False: no key of this provider is left to call with."""
    state.set_key_aside(key_id, until=now + timedelta(seconds=KEY_ASIDE_S), reason=reason)
    left = _fingerprints(Provider(state.name)) - frozenset(state.keys_aside(now))
    log.warning("key set aside", provider=state.name, key=key_id, reason=reason, left=len(left))
    return bool(left)


def _fingerprints(provider: Provider) -> frozenset[str]:
    own = get_conf().providers.get(provider)
    return frozenset(fingerprint(key) for key in own.api_keys) if own else frozenset()
