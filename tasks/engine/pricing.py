"""What an answer cost, by the catalogue's list prices."""

from __future__ import annotations

from datetime import datetime

from tasks.engine.claimed import Claimed
from tasks.errors import CountedTokens
from tasks.policy.pricing import Cost, price_call
from tasks.providers.catalogue import load_catalogue


def price(
    claimed: Claimed, usage: CountedTokens | None, model: str, sent_at: datetime
) -> Cost | None:
    """The cost of one call sent at `sent_at`; None: unpriced, for its price or usage is not known.

    Priced as `model`, which the provider says it ran, or else as the one that was asked.
    """
    if usage is None:
        return None
    catalogue = load_catalogue()
    entry = catalogue.resolve(claimed.provider, model) or catalogue.resolve(
        claimed.provider, claimed.request.model
    )
    return price_call(
        entry.price if entry else None,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        at=sent_at,
    )
