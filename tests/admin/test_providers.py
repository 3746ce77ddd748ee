"""The providers' page: what it says of each, and that its buttons steer for every worker."""

from __future__ import annotations

import time
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from tasks.models import Attempt, ProviderState
from tasks.policy.breaker import Breaker, BreakerState
from tasks.providers.keys import fingerprint
from tasks.vocabulary import REAL_PROVIDERS

URL = "/admin/tasks/providerstate/"


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.TASKRUNNER_MOCK = "always"
    own = settings.TASKRUNNER_PROVIDERS
    settings.TASKRUNNER_PROVIDERS = own | {"openai": own["openai"] | {"api_keys": ["k"]}}


def _row(response, name):
    return next(row for row in response.context["providers"] if row["name"] == name)


def test_every_provider_is_there_before_anything_was_said_of_it(operator_client):
    response = operator_client.get(URL)
    words = {row["name"]: row["words"] for row in response.context["providers"]}
    assert words == dict.fromkeys(REAL_PROVIDERS, "not configured") | {"openai": "open for calls"}
    assert "set DEEPSEEK_API_KEY" in response.text
    assert not ProviderState.objects.exists()


def test_an_open_breaker_tells_why_and_when_it_tries_again(operator_client):
    breaker = Breaker(state=BreakerState.OPEN, reason="5 of 6 calls failed", until=time.time() + 25)
    ProviderState.objects.create(name="openai", breaker_json=breaker.to_json())
    text = operator_client.get(URL).text
    assert "5 of 6 calls failed" in text
    assert "next probe in 24 s" in text


def test_a_key_that_is_set_aside_is_told_by_its_place_and_end(operator_client, settings):
    keys = ["sk-first-of-our-keys-1a2b", "sk-second-of-our-keys-3c4d"]
    own = settings.TASKRUNNER_PROVIDERS
    settings.TASKRUNNER_PROVIDERS = own | {"openai": own["openai"] | {"api_keys": keys}}
    one = {"until": time.time() + 60, "reason": "quota_exhausted"}
    aside = {fingerprint(keys[1]): one, fingerprint("a key of yesterday"): one}
    ProviderState.objects.create(name="openai", refused_keys=aside)

    text = operator_client.get(URL).text

    assert text.count("is set aside") == 1
    assert "key 2 of 2 (…3c4d) is set aside: quota_exhausted" in text
    assert not any(key in text for key in keys)


def test_what_was_paid_today_is_beside_the_provider(operator_client, make_task):
    now = timezone.now()
    Attempt.objects.create(
        task=make_task("COMPLETED"), number=1, provider="openai", model="m", outcome="failed",
        lease_token=uuid.uuid4(), started_at=now, finished_at=now, cost_usd=Decimal("1.5"),
    )  # fmt: skip
    assert _row(operator_client.get(URL), "openai")["paid"] == "$1.50"


@pytest.mark.parametrize(
    ("move", "words"),
    [("pause", "paused"), ("open", "forced open"), ("closed", "forced closed")],
)
def test_a_button_steers_the_provider_and_is_logged(operator_client, move, words):
    response = operator_client.post(f"{URL}openai/{move}/", follow=True)
    assert _row(response, "openai")["words"] == words
    assert ProviderState.objects.get(name="openai").block(timezone.now()) or move == "closed"
    undo = {"pause": "resume"}.get(move, "auto")
    response = operator_client.post(f"{URL}openai/{undo}/", follow=True)
    assert _row(response, "openai")["words"] == "open for calls"


def test_who_may_only_look_gets_no_buttons_and_moves_nothing(staff_client):
    client = staff_client("view_providerstate")
    assert "<button>" not in client.get(URL).text.split('class="providers"')[1]
    assert client.post(f"{URL}openai/pause/").status_code == 403
    assert not ProviderState.objects.exists()


def test_staff_without_the_permission_see_nothing(staff_client):
    assert staff_client("view_task").get(URL).status_code == 403


@pytest.mark.parametrize("path", ["mock/pause/", "openai/explode/"])
def test_another_provider_or_move_is_refused_in_words(operator_client, path):
    response = operator_client.post(URL + path, follow=True)
    assert "There is no such provider or move." in response.text


def test_moves_are_posts(operator_client):
    assert operator_client.get(f"{URL}openai/pause/").status_code == 405
