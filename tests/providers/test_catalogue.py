"""The catalogue knows every provider's models, their successors and their prices."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from tasks.providers.base import ProviderSettings
from tasks.providers.catalogue import load_catalogue, parse_catalogue
from tasks.providers.registry import DEFAULT_BASE_URLS, PROVIDER_CLASSES, build_client
from tasks.vocabulary import REAL_PROVIDERS, Provider

CALLABLE = [*REAL_PROVIDERS, Provider.MOCK]


@pytest.mark.parametrize("provider", CALLABLE)
def test_every_provider_has_a_default_model_that_it_knows(provider: Provider) -> None:
    catalogue = load_catalogue()
    default = catalogue.default_model(provider)
    assert default in catalogue.model_names(provider)
    entry = catalogue.resolve(provider, default)
    assert entry is not None
    assert entry.name == default


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        (Provider.DEEPSEEK, "deepseek-chat", "deepseek-flash"),
        (Provider.DEEPSEEK, "deepseek-reasoner", "deepseek-flash"),
        (Provider.OPENAI, "gpt-3.5-turbo", "gpt-6-luna"),
        (Provider.OPENAI, "gpt-3.5-turbo-0125", "gpt-6-luna"),
        (Provider.OPENAI, "gpt-4", "gpt-6.1-sol"),
        (Provider.OPENAI, "gpt-6-luna", "gpt-6-luna"),
        (Provider.LOCAL, "llama-9:70b", "llama-9:70b"),
        (Provider.MOCK, "mock-1", "mock-1"),
    ],
)
def test_a_name_resolves_to_what_is_sent(provider: Provider, model: str, sent: str) -> None:
    entry = load_catalogue().resolve(provider, model)
    assert entry is not None
    assert entry.name == sent


@pytest.mark.parametrize(
    ("provider", "dated", "base"),
    [
        (Provider.OPENAI, "gpt-6-luna-2026-09-01", "gpt-6-luna"),
        (Provider.ANTHROPIC, "claude-haiku-5-5-20260930", "claude-haiku-5-5"),
        (Provider.ANTHROPIC, "claude-opus-5-5@20260930", "claude-opus-5-5"),
        (Provider.DEEPSEEK, "deepseek-v4-pro-0813", "deepseek-v4-pro"),
    ],
)
def test_a_dated_name_keeps_its_name_and_is_priced_as_its_base(
    provider: Provider, dated: str, base: str
) -> None:
    catalogue = load_catalogue()
    entry, plain = catalogue.resolve(provider, dated), catalogue.resolve(provider, base)
    assert entry is not None
    assert plain is not None
    assert (entry.name, entry.price) == (dated, plain.price)


@pytest.mark.parametrize("model", ["gpt-9", "gpt-6-luna-pro", "", "default", "GPT-4"])
def test_an_unknown_name_is_none_but_for_a_local_server(model: str) -> None:
    catalogue = load_catalogue()
    assert catalogue.resolve(Provider.OPENAI, model) is None
    assert catalogue.find_provider(model) is None


def test_a_model_implies_its_provider() -> None:
    catalogue = load_catalogue()
    for provider in (*set(REAL_PROVIDERS) - {Provider.LOCAL}, Provider.MOCK):
        for model in catalogue.model_names(provider):
            assert catalogue.find_provider(model) is provider


def test_auto_has_no_models_of_its_own() -> None:
    catalogue = load_catalogue()
    assert catalogue.model_names(Provider.AUTO) == []
    assert catalogue.default_model(Provider.AUTO) == ""
    assert catalogue.resolve(Provider.AUTO, "gpt-4") is None


def test_only_anthropic_refuses_a_temperature() -> None:
    refusing = [p for p in Provider if not load_catalogue().accepts_temperature(p)]
    assert refusing == [Provider.ANTHROPIC]


def test_every_hosted_model_is_priced_and_a_local_one_is_not() -> None:
    for provider, shelf in load_catalogue().shelves.items():
        for entry in shelf.models.values():
            assert (entry.price is None) is (provider is Provider.LOCAL)


def test_prices_are_read_exactly() -> None:
    entry = load_catalogue().resolve(Provider.DEEPSEEK, "deepseek-flash")
    assert entry is not None
    assert entry.price is not None
    assert entry.price.bands[0].cached == Decimal("0.006")


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ('default = "gone"\nsource = ""\n[[openai.models]]\nname = "m"', "gone"),
        (
            'default = "m"\nsource = ""\n[openai.retired]\nold = "gone"\n'
            '[[openai.models]]\nname = "m"',
            "gone",
        ),
        (
            'default = "m"\nsource = ""\n[[openai.models]]\nname = "m"\n'
            "bands = [{above_prompt_tokens = 5, input = 1.0, cached = 1.0, output = 1.0}]",
            "begin at 0",
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(broken: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_catalogue(f"as_of = 2026-11-15\n[openai]\n{broken}\n")


def test_the_registry_knows_every_real_provider_and_its_address() -> None:
    assert set(PROVIDER_CLASSES) == set(REAL_PROVIDERS)
    assert DEFAULT_BASE_URLS[Provider.OPENAI] == "https://api.openai.com/v1"
    assert DEFAULT_BASE_URLS[Provider.LOCAL] == ""


def test_auto_is_nobody_that_can_be_called() -> None:
    settings = ProviderSettings(name=Provider.AUTO, api_keys=("k",), base_url="http://x")
    with pytest.raises(ValueError, match="auto"):
        build_client(settings)
