"""Newer list prices, from genai-prices into this installation's own price file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.checks import TAG
from tasks.conf import get_conf
from tasks.management import list_prices
from tasks.providers.catalogue import Catalogue, load_catalogue, shipped_catalogue
from tasks.providers.price_file import OwnPrices, Priced
from tasks.providers.prices import Price
from tasks.vocabulary import Provider


class Command(BaseCommand):
    help = "Take list prices from genai-prices (pip install -U genai-prices) and show what changes."
    requires_system_checks = [TAG]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="show the changes, write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not list_prices.is_installed():
            raise CommandError("genai-prices is not installed: pip install genai-prices")
        now, shipped, before = datetime.now(UTC), shipped_catalogue(), load_catalogue()
        found = dict(self._found(shipped, now))
        changed = {
            named: price for named, price in found.items() if _price(shipped, named) != price
        }
        own = OwnPrices(as_of=_as_of(shipped, now.date()), over=shipped.as_of, prices=changed)
        self._tell(before, shipped.priced(own))
        if options["dry_run"]:
            self.stdout.write("Nothing was written.")
            return
        path = get_conf().price_file
        _write(path, own.to_toml(list_prices.source()))
        self.stdout.write(f"Written to {path}. Restart workers and web to price by it.")

    def _found(self, shipped: Catalogue, now: datetime) -> Iterator[tuple[Priced, Price]]:
        """What genai-prices says of each hosted model; what it does not know is told."""
        for provider, shelf in shipped.shelves.items():
            for model, entry in shelf.models.items():
                if entry.price is None or provider is Provider.MOCK:
                    continue
                if price := list_prices.find_price(provider, model, now):
                    yield (provider, model), price
                else:
                    self.stdout.write(f"? {provider} {model}: not known there, left as it is")

    def _tell(self, before: Catalogue, after: Catalogue) -> None:
        """The difference, a line for each side of a price that changes."""
        count = 0
        for provider, shelf in after.shelves.items():
            for model, entry in shelf.models.items():
                was = _price(before, (provider, model))
                if was != entry.price:
                    count += 1
                    self.stdout.write(f"- {provider} {model}: {_words(was)}")
                    self.stdout.write(f"+ {provider} {model}: {_words(entry.price)}")
        changes = f"{count} prices change" if count else "No price changes"
        self.stdout.write(f"{changes}; prices of {after.as_of}, {list_prices.source()}.")


def _price(catalogue: Catalogue, named: Priced) -> Price | None:
    provider, model = named
    return catalogue.shelves[provider].models[model].price


def _as_of(shipped: Catalogue, today: date) -> date:
    """Its newest price tells how old the list is at most; a list without any is taken as ours."""
    return max(shipped.as_of, list_prices.newest_price(today) or shipped.as_of)


def _words(price: Price | None) -> str:
    return " ".join(price.to_toml().split()) if price else "unpriced"


def _write(path: Path, text: str) -> None:
    """All of it or nothing: workers may be starting meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
