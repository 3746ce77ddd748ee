"""`update_prices`: newer list prices into the installation's own file, shown before they count."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from tasks.checks import check_prices
from tasks.management import list_prices
from tasks.management.findings import look_at_prices
from tasks.management.list_prices import find_price
from tasks.providers.catalogue import load_catalogue, shipped_catalogue
from tasks.providers.price_file import own_price_file, parse_own_prices
from tasks.providers.prices import Band, Price
from tasks.vocabulary import Provider

LUNA = (Provider.OPENAI, "gpt-6-luna")
DEARER = Price(bands=(Band(input=Decimal(3), cached=Decimal("0.3"), output=Decimal("12.5")),))
HOSTED = [
    (provider, model)
    for provider, shelf in shipped_catalogue().shelves.items()
    for model, entry in shelf.models.items()
    if entry.price is not None and provider is not Provider.MOCK
]


@pytest.fixture(autouse=True)
def path(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "var" / "prices.toml"
    settings.TASKRUNNER_PRICE_FILE = str(file)
    monkeypatch.setattr(own_price_file, "path", file)
    load_catalogue.cache_clear()
    yield file
    load_catalogue.cache_clear()


@pytest.fixture
def dearer_luna(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(provider: Provider, model: str, now: datetime) -> Price | None:
        return DEARER if (provider, model) == LUNA else find_price(provider, model, now)

    monkeypatch.setattr(list_prices, "find_price", find)


def update(*arguments: str) -> str:
    out = io.StringIO()
    call_command("update_prices", *arguments, stdout=out)
    return out.getvalue()


def effective(provider: Provider, model: str) -> Price | None:
    load_catalogue.cache_clear()
    entry = load_catalogue().resolve(provider, model)
    assert entry is not None
    return entry.price


@pytest.mark.parametrize(("provider", "model"), HOSTED)
def test_the_shipped_price_is_what_genai_prices_says_with_its_bands_and_hours(
    provider: Provider, model: str
) -> None:
    assert find_price(provider, model, datetime.now(UTC)) == effective(provider, model)


def test_nothing_changes_while_the_shipped_prices_are_true(path: Path) -> None:
    told = update("--dry-run")
    assert "No price changes" in told
    assert "Nothing was written." in told
    assert not path.exists()


@pytest.mark.usefixtures("dearer_luna")
def test_a_change_is_shown_and_counts_after_the_next_start(path: Path) -> None:
    told = update()
    assert "- openai gpt-6-luna: bands = [ { input = 0.1," in told
    assert "+ openai gpt-6-luna: bands = [ { input = 3.0, cached = 0.3, output = 12.5 }" in told
    assert "1 prices change" in told
    assert effective(*LUNA) == DEARER
    assert effective(Provider.DEEPSEEK, "deepseek-flash") == (
        shipped_catalogue().shelves[Provider.DEEPSEEK].models["deepseek-flash"].price
    )
    assert path.read_text().startswith("# From genai-prices 0.")


@pytest.mark.usefixtures("dearer_luna")
def test_a_dry_run_shows_the_change_and_writes_nothing(path: Path) -> None:
    assert "+ openai gpt-6-luna" in update("--dry-run")
    assert not path.exists()


def test_a_price_that_went_back_is_shown_as_a_change_too(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_prices, "find_price", lambda *_: DEARER)
        update()
    load_catalogue.cache_clear()
    told = update()
    assert "- openai gpt-6-luna: bands = [ { input = 3.0" in told
    assert effective(*LUNA) != DEARER


def test_prices_come_back_from_the_file_as_they_went_in() -> None:
    everything = {
        (provider, model): price
        for provider, model in HOSTED
        if (price := effective(provider, model))
    }
    own = replace(parse_own_prices("as_of = 2026-11-20\nover = 2026-11-15"), prices=everything)
    assert parse_own_prices(own.to_toml("somewhere")) == own


def test_prices_made_for_another_release_do_not_count(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f'as_of = 2026-01-02\nover = 2026-01-01\n[openai."{LUNA[1]}"]\n'
                    "bands = [{ input = 9.0, cached = 9.0, output = 9.0 }]\n")  # fmt: skip
    assert effective(*LUNA) == shipped_catalogue().shelves[LUNA[0]].models[LUNA[1]].price
    (warning,) = check_prices()
    assert warning.id == "tasks.W005"
    assert "2026-01-01" in warning.msg


@pytest.mark.parametrize(
    "text",
    ["", "as_of = 7\nover = 8", "not toml", "as_of = 2026-11-15\nover = 2026-11-15\n[nobody.m]\n"
     "bands = [{ input = 1.0, cached = 1.0, output = 1.0 }]",
     "as_of = 2026-11-15\nover = 2026-11-15\nopenai = 7", "\x00",
     'as_of = 2026-11-15\nover = 2026-11-15\n[openai."m"]\nbands = [{ input = 1.0 }]'],
)  # fmt: skip
def test_a_broken_file_is_told_and_the_shipped_prices_count(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    assert effective(*LUNA) == shipped_catalogue().shelves[LUNA[0]].models[LUNA[1]].price
    (warning,) = check_prices()
    assert "cannot be read" in warning.msg


def test_without_genai_prices_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_prices, "genai_prices", None)
    with pytest.raises(CommandError, match="pip install genai-prices"):
        update()


def test_a_folder_that_cannot_be_made_is_one_line(path: Path) -> None:
    path.parent.write_text("a file")
    with pytest.raises(CommandError, match="cannot be written"):
        update()


@pytest.mark.parametrize(("days", "is_told"), [(90, False), (91, True)])
def test_doctor_tells_prices_older_than_90_days(days: int, is_told: bool) -> None:
    day = datetime.combine(shipped_catalogue().as_of, datetime.min.time(), UTC)
    with time_machine.travel(day + timedelta(days=days), tick=False):
        (finding,) = look_at_prices()
    assert ("update_prices" in finding.remedy) is is_told
