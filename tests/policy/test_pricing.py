"""Costs agree with an outside oracle to the last digit, and what is not known stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.policy.pricing import PriceList, Rates, estimate_usd, price_call, rates_at
from tasks.providers.catalogue import load_catalogue
from tasks.vocabulary import Provider

TUESDAY = datetime(2026, 11, 17, tzinfo=UTC)
HOSTED = [Provider.DEEPSEEK, Provider.OPENAI, Provider.ANTHROPIC]
MODELS = [(p, m) for p in HOSTED for m in load_catalogue().shelves[p].models]


def price_of(provider: Provider, model: str) -> PriceList:
    entry = load_catalogue().resolve(provider, model)
    assert entry is not None
    assert entry.price is not None
    return entry.price


@given(
    named=st.sampled_from(MODELS),
    prompt=st.integers(0, 1_000_000) | st.sampled_from([100_000, 100_001, 272_000, 272_001]),
    completion=st.integers(0, 400_000),
    cached_share=st.floats(0, 1),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_a_cost_is_what_genai_prices_says(
    named: tuple[Provider, str], prompt: int, completion: int, cached_share: float, minute: int
) -> None:
    provider, model = named
    cached, at = int(prompt * cached_share), TUESDAY + timedelta(minutes=minute)
    cost = price_call(
        price_of(provider, model),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        at=at,
    )
    oracle = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=prompt, output_tokens=completion, cache_read_tokens=cached),
        model_ref=model,
        provider_id=provider.value,
        genai_request_timestamp=at,
    )
    assert cost is not None
    assert abs(cost.usd - oracle.total_price) <= Decimal("1E-10")


@pytest.mark.parametrize(
    ("moment", "usd"),
    [
        ("2026-11-17T00:59:59", "0.15"),
        ("2026-11-17T01:00:00", "0.3"),
        ("2026-11-17T03:59:59", "0.3"),
        ("2026-11-17T04:00:00", "0.15"),
        ("2026-11-17T06:00:00", "0.3"),
        ("2026-11-17T10:00:00", "0.15"),
        ("2026-11-21T02:00:00", "0.15"),  # a Saturday
        ("2026-11-22T07:00:00", "0.15"),  # a Sunday
    ],
)
def test_deepseek_is_dear_at_peak_hours_of_weekdays_only(moment: str, usd: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    rates = rates_at(price_of(Provider.DEEPSEEK, "deepseek-flash"), prompt_tokens=1, at=at)
    assert rates.input == Decimal(usd)


def test_the_hour_is_utc_whatever_zone_the_time_is_in() -> None:
    beijing = timezone(timedelta(hours=8))
    at = datetime(2026, 11, 17, 11, 30, tzinfo=beijing)  # 03:30 UTC
    rates = rates_at(price_of(Provider.DEEPSEEK, "deepseek-flash"), prompt_tokens=1, at=at)
    assert rates.input == Decimal("0.30")


def test_a_prompt_in_a_higher_band_pays_the_higher_rates_for_all_of_it() -> None:
    haiku = price_of(Provider.ANTHROPIC, "claude-haiku-5-5")
    assert rates_at(haiku, prompt_tokens=100_000, at=TUESDAY).input == Decimal("0.10")
    assert rates_at(haiku, prompt_tokens=100_001, at=TUESDAY) == Rates(
        input=Decimal("0.50"), cached=Decimal("0.05"), output=Decimal("2.50")
    )


@pytest.mark.parametrize(
    ("prompt", "completion", "is_priced"),
    [(None, 5, False), (5, None, False), (None, None, False), (0, 0, True)],
)
def test_a_missing_count_is_unpriced_and_a_zero_is_zero(
    prompt: int | None, completion: int | None, is_priced: bool
) -> None:
    cost = price_call(
        price_of(Provider.OPENAI, "gpt-6-luna"),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=None,
        at=TUESDAY,
    )
    assert (cost is not None) is is_priced


def test_a_model_without_a_price_is_unpriced() -> None:
    entry = load_catalogue().resolve(Provider.LOCAL, "llama")
    assert entry is not None
    counts = {"prompt_tokens": 5, "completion_tokens": 5, "cached_tokens": 0}
    assert price_call(entry.price, **counts, at=TUESDAY) is None
    assert estimate_usd(entry.price, prompt="x", max_tokens=5, at=TUESDAY) is None


def test_more_cached_than_sent_never_makes_a_negative_price() -> None:
    cost = price_call(
        price_of(Provider.OPENAI, "gpt-6-luna"),
        prompt_tokens=10,
        completion_tokens=0,
        cached_tokens=1_000_000,
        at=TUESDAY,
    )
    assert cost is not None
    assert cost.usd == Decimal("1E-7")


@given(prompt=st.text(max_size=1000), max_tokens=st.integers(1, 10_000), used=st.floats(0, 1))
def test_an_estimate_is_never_below_what_the_call_then_costs(
    prompt: str, max_tokens: int, used: float
) -> None:
    price = price_of(Provider.ANTHROPIC, "claude-sonnet-5-5")
    estimate = estimate_usd(price, prompt=prompt, max_tokens=max_tokens, at=TUESDAY)
    cost = price_call(
        price,
        prompt_tokens=int(len(prompt.encode(errors="replace")) * used),
        completion_tokens=int(max_tokens * used),
        cached_tokens=None,
        at=TUESDAY,
    )
    assert estimate is not None
    assert cost is not None
    assert estimate >= cost.usd
