"""Prices newer than the shipped catalogue's, in a file of the installation's own.

`manage.py update_prices` writes it. It was made over one shipped catalogue and counts for that one
alone: the next release brings prices of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from tasks.providers.prices import Price, price_of
from tasks.vocabulary import Provider

Priced = tuple[Provider, str]


@dataclass(frozen=True, kw_only=True)
class OwnPrices:
    """as_of: the day of the newest price. over: the day of the shipped catalogue beneath."""

    as_of: date
    over: date
    prices: Mapping[Priced, Price]

    def to_toml(self, source: str) -> str:
        """The file's text. source: where the prices are from, for people."""
        head = (
            f"# From {source}, by `manage.py update_prices`. Delete this file to have the shipped\n"
            f"# prices back.\nas_of = {self.as_of}\nover = {self.over}\n"
        )
        tables = (
            f'\n[{provider}."{model}"]\n{price.to_toml()}'
            for (provider, model), price in sorted(self.prices.items())
        )
        return head + "".join(tables)


@dataclass
class PriceFile:
    """Where the file is; None: nobody said, so there is none. Django's start sets it."""

    path: Path | None = None

    def read(self) -> OwnPrices | None:
        """Raises: OSError, TypeError, KeyError or ValueError if it is there and no good."""
        if self.path is None or not self.path.exists():
            return None
        return parse_own_prices(self.path.read_text(encoding="utf-8"))


own_price_file = PriceFile()


def parse_own_prices(text: str) -> OwnPrices:
    """Raises: TypeError, KeyError or ValueError if it is malformed."""
    tables = tomllib.loads(text, parse_float=Decimal)
    as_of, over = tables.pop("as_of"), tables.pop("over")
    if not isinstance(as_of, date) or not isinstance(over, date):
        raise TypeError("`as_of` and `over` must be dates")
    prices = {
        (Provider(name), model): price
        for name, models in tables.items()
        for model, table in models.items()
        if (price := price_of(table))
    }
    return OwnPrices(as_of=as_of, over=over, prices=prices)
