"""What a submit would cost, before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser

from tasks.conf import get_conf
from tasks.policy.pricing import estimate_usd
from tasks.providers.catalogue import load_catalogue
from tasks.querysets import database_now
from tasks.services.choosing import choose_provider
from tasks.services.submission import validate_submission
from tasks.services.template_shelf import Shelf
from tasks.vocabulary import Provider


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Who would be asked, and what one call costs at most. `cost_usd` None: nobody can tell, for
    the price is not known or the router chooses. `is_mock`: the mock answers, for nothing."""

    provider: str
    model: str
    cost_usd: Decimal | None
    is_mock: bool


def estimate(owner: AbstractBaseUser, data: object) -> Estimate:
    """data: the fields of a submit. Raises: InvalidInput, as the submit itself would."""
    fields = Shelf(owner).fill(validate_submission(data))
    provider, model = choose_provider(fields)
    is_mock = provider is Provider.MOCK or get_conf().is_mock_standing_in
    entry = load_catalogue().resolve(provider, model)
    cost_usd = estimate_usd(
        entry.price if entry else None,
        prompt=fields.get("system", "") + fields["prompt"],
        max_tokens=fields.get("max_tokens"),
        at=database_now(),
    )
    return Estimate(
        provider=provider.value,
        model=model,
        cost_usd=None if is_mock else cost_usd,
        is_mock=is_mock,
    )
