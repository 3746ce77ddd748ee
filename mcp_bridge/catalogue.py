"""The catalogue as a client sees it: who can be asked, for which model, at what list price."""

from __future__ import annotations

from typing import Any

from tasks.conf import Conf, get_conf
from tasks.providers.catalogue import ModelEntry, Shelf, load_catalogue
from tasks.services.choosing import accepted_models
from tasks.vocabulary import Provider


def models_available() -> dict[str, Any]:
    """Prices are USD per 1M tokens; null is unknown, never free."""
    conf, catalogue = get_conf(), load_catalogue()
    return {
        "prices_as_of": catalogue.as_of.isoformat(),
        "is_mock_standing_in": conf.is_mock_standing_in,
        "default_provider": conf.default_provider or next(iter(conf.configured), Provider.MOCK),
        "providers": [
            _provider(provider, shelf, conf) for provider, shelf in catalogue.shelves.items()
        ],
    }


def _provider(provider: Provider, shelf: Shelf, conf: Conf) -> dict[str, Any]:
    own = conf.providers.get(provider)
    known = {*shelf.models, *shelf.retired}
    return {
        "provider": provider.value,
        "is_configured": own.is_configured if own else conf.is_mock_standing_in,
        "accepts_any_model": provider is Provider.LOCAL,
        "default_model": (own.default_model if own else "") or shelf.default,
        "models": [_model(entry) for entry in shelf.models.values()],
        "further_models": [name for name in accepted_models(provider) if name not in known],
        "retired": dict(shelf.retired),
    }


def _model(entry: ModelEntry) -> dict[str, Any]:
    return {
        "model": entry.name,
        "context_window": entry.context_window,
        "max_output_tokens": entry.max_output_tokens,
        "usd_per_million_tokens": entry.price
        and [
            {
                "above_prompt_tokens": band.above_prompt_tokens,
                "input": str(band.input),
                "cached": str(band.cached),
                "output": str(band.output),
            }
            for band in entry.price.bands
        ],
    }
