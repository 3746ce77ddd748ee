"""What an answer cost, by the catalogue's list prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tasks.engine.claimed import Claimed
from tasks.policy.pricing import price_call
from tasks.providers.base import Completion
from tasks.providers.catalogue import load_catalogue


def price(claimed: Claimed, completion: Completion, sent_at: datetime) -> Decimal | None:
    """USD of one call sent at `sent_at`; None: unpriced, for its price or its usage is not known.

    Priced as the model that the provider says it ran, or else as the one that was asked.
    """
    if completion.usage is None:
        return None
    catalogue = load_catalogue()
    entry = catalogue.resolve(claimed.provider, completion.model) or catalogue.resolve(
        claimed.provider, claimed.request.model
    )
    cost = price_call(
        entry.price if entry else None,
        prompt_tokens=completion.usage.prompt_tokens,
        completion_tokens=completion.usage.completion_tokens,
        cached_tokens=completion.usage.cached_tokens,
        at=sent_at,
    )
    return cost.usd if cost else None
