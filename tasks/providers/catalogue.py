"""Which models there are, what they cost and what became of the old ones: catalogue.toml, typed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import structlog

from tasks.providers.price_file import OwnPrices, own_price_file
from tasks.providers.prices import Price, price_of
from tasks.vocabulary import Provider

log = structlog.get_logger(__name__)

PRICE_FILE_TROUBLE = (OSError, AttributeError, KeyError, TypeError, ValueError)
_DATE_AT_END = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model. `name` is what is sent; None: not known, for `price`: unpriced."""

    name: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One provider's part of the catalogue."""

    models: Mapping[str, ModelEntry]
    retired: Mapping[str, str]  # old name → successor
    default: str
    source: str
    accepts_temperature: bool = True


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What can be asked of whom. `auto` has no shelf: it has no models of its own."""

    as_of: date
    shelves: Mapping[Provider, Shelf]

    def model_names(self, provider: Provider) -> list[str]:
        """Every name accepted, the current ones first, then the retired ones."""
        shelf = self.shelves.get(provider)
        return [*shelf.models, *shelf.retired] if shelf else []

    def default_model(self, provider: Provider) -> str:
        """The model for a request that names none. Empty for `auto`."""
        shelf = self.shelves.get(provider)
        return shelf.default if shelf else ""

    def accepts_temperature(self, provider: Provider) -> bool:
        """Whether a request to this provider may set a temperature."""
        shelf = self.shelves.get(provider)
        return shelf.accepts_temperature if shelf else True

    def successor(self, provider: Provider, model: str) -> str | None:
        """The model that answers for a retired one; None if `model` is not retired."""
        shelf = self.shelves.get(provider)
        return shelf.retired.get(model) if shelf else None

    def resolve(self, provider: Provider, model: str) -> ModelEntry | None:
        """What runs, and is priced, when `model` is asked of `provider`; None if it is not known.

        A retired name becomes its successor. A dated name ("gpt-6-luna-2026-09-01", as providers
        name themselves in answers) stays and is priced as its base. `local` knows every name.
        """
        shelf = self.shelves.get(provider)
        if shelf is None:
            return None
        if known := shelf.models.get(shelf.retired.get(model, model)):
            return known
        undated = _DATE_AT_END.sub("", model)
        if base := shelf.models.get(undated):
            return replace(base, name=model)
        if undated in shelf.retired:
            return shelf.models[shelf.retired[undated]]
        return ModelEntry(name=model) if provider is Provider.LOCAL else None

    def priced(self, own: OwnPrices) -> Catalogue:
        """With those prices, if they were made over this catalogue and no other."""
        if own.over != self.as_of:
            return self
        shelves = {
            provider: replace(shelf, models=_priced(provider, shelf.models, own))
            for provider, shelf in self.shelves.items()
        }
        return replace(self, as_of=max(self.as_of, own.as_of), shelves=shelves)

    def find_provider(self, model: str) -> Provider | None:
        """Whose model this is, if the name alone tells."""
        named = (p for p in self.shelves if p is not Provider.LOCAL and self.resolve(p, model))
        return next(named, None)


@cache
def load_catalogue() -> Catalogue:
    """The catalogue with this installation's own prices. A file of those that cannot be read is
    told in the log and by the system checks, and counts for nothing."""
    try:
        own = own_price_file.read()
    except PRICE_FILE_TROUBLE as error:
        log.error("own prices cannot be read", path=str(own_price_file.path), error=str(error))
        own = None
    return shipped_catalogue().priced(own) if own else shipped_catalogue()


@cache
def shipped_catalogue() -> Catalogue:
    """As released. Raises: TypeError, KeyError or ValueError if it is malformed."""
    text = files("tasks.providers").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(text)


def parse_catalogue(text: str) -> Catalogue:
    """A catalogue from TOML; every name that it refers to is in it."""
    tables = tomllib.loads(text, parse_float=Decimal)
    as_of = tables.pop("as_of")
    shelves = {Provider(name): _shelf(table) for name, table in tables.items()}
    return Catalogue(as_of=as_of, shelves=shelves)


def _priced(
    provider: Provider, models: Mapping[str, ModelEntry], own: OwnPrices
) -> dict[str, ModelEntry]:
    return {
        name: replace(entry, price=own.prices.get((provider, name), entry.price))
        for name, entry in models.items()
    }


def _shelf(table: dict[str, Any]) -> Shelf:
    models = {entry["name"]: _entry(entry) for entry in table.pop("models")}
    shelf = Shelf(models=models, **{"retired": {}, **table})
    for name in (shelf.default, *shelf.retired.values()):
        if name not in models:
            raise ValueError(f"the catalogue refers to {name}, which it does not have")
    return shelf


def _entry(table: dict[str, Any]) -> ModelEntry:
    return ModelEntry(
        name=table["name"],
        context_window=table.get("context_window"),
        max_output_tokens=table.get("max_output_tokens"),
        price=price_of(table),
    )
