"""GET /api/providers/."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tasks.conf import get_conf
from tasks.models import Attempt, DailySpend, ProviderState
from tasks.policy.breaker import Breaker, BreakerState
from tasks.vocabulary import REAL_PROVIDERS, Scope
from tests.api.conftest import client_of, error_of


def ask(api):
    body = api.get("/api/providers/").json()
    return body, {entry["name"]: entry for entry in body["results"]}


def configure(settings, **providers):
    given = {name: dict(one) for name, one in settings.TASKRUNNER_PROVIDERS.items()}
    for name, values in providers.items():
        given[name].update(values)
    settings.TASKRUNNER_PROVIDERS = given
    get_conf.cache_clear()


def test_without_keys_the_mock_answers_for_all(api):
    body, found = ask(api)
    assert (body["default_provider"], body["mock"]) == ("mock", "auto")
    assert list(found) == [*REAL_PROVIDERS, "mock"]
    assert [name for name, one in found.items() if one["configured"]] == ["mock"]
    assert all(one["accepts_tasks"] for one in found.values())
    assert found["openai"]["variable"] == "OPENAI_API_KEY"
    assert found["local"]["variable"] == "LOCAL_BASE_URL"


def test_a_configured_provider_shows_models_and_host_and_never_its_key(api, settings):
    configure(
        settings,
        openai={"api_keys": ["sk-very-secret"], "models": ["my-model"],
                "base_url": "https://user:hidden@proxy.example:8443/v1/token-in-path"},
        local={"base_url": "http://127.0.0.1:9000/v1"},
    )  # fmt: skip
    body, found = ask(api)
    assert body["default_provider"] == "openai"
    assert found["openai"]["configured"] is True
    assert found["openai"]["host"] == "proxy.example:8443"
    assert {"my-model", "gpt-6-luna", "gpt-4"} <= set(found["openai"]["models"])
    assert found["openai"]["default_model"] == "gpt-6-luna"
    assert found["local"]["host"] == "127.0.0.1:9000"
    assert found["local"]["models"] == []
    assert found["deepseek"] | {"configured": False, "accepts_tasks": False} == found["deepseek"]
    for secret in ("sk-very-secret", "hidden", "token-in-path"):
        assert secret not in str(body)


def test_limits_a_minute_are_shown(api, settings):
    configure(settings, openai={"rpm": 500, "tpm": 200_000})
    _, found = ask(api)
    limits = {"requests_per_minute": 500, "tokens_per_minute": 200_000}
    assert found["openai"]["limits"] == limits
    assert found["mock"]["limits"] == dict.fromkeys(limits)


def test_budget_is_shown_to_staff_alone(api, staff_api, settings):
    assert staff_api.get("/api/providers/").json()["daily_budget"] is None
    settings.TASKRUNNER_DAILY_BUDGET_USD = Decimal("2.50")
    DailySpend.objects.create(day=timezone.now().date(), committed_units=123_000_000)
    assert ask(api)[0]["daily_budget"] is None
    shown = staff_api.get("/api/providers/").json()["daily_budget"]
    assert {name: Decimal(usd) for name, usd in shown.items()} == {
        "limit_usd": Decimal("2.50"), "committed_usd": Decimal("0.0123"),
    }  # fmt: skip


def test_what_it_says_is_what_a_submit_accepts(api):
    _, found = ask(api)
    for name, entry in found.items():
        for model in entry["models"][:3]:
            order = {"prompt": "x", "provider": name, "model": model}
            assert api.post("/api/tasks/", order).status_code == 201, order


WELL = {
    "paused": False, "blocked": False, "blocked_reason": None, "blocked_until": None,
    "breaker": {"state": "closed", "force": "auto", "reason": None, "until": None},
    "failed_percent": None, "median_seconds": None,
}  # fmt: skip


def test_a_provider_that_nothing_was_said_of_is_well(api):
    _, found = ask(api)
    assert found["openai"]["state"] == WELL
    assert found["mock"]["state"] is None


def test_the_last_calls_tell_how_a_provider_is_doing(api, make_task):
    now, task = timezone.now(), make_task()
    for number, (outcome, code) in enumerate(
        [("succeeded", ""), ("succeeded", ""), ("failed", "server_error"),
         ("failed", "request_refused"), ("deferred", "rate_limited")]
    ):  # fmt: skip
        Attempt.objects.create(
            task=task, number=number, provider="openai", model="m", lease_token=uuid.uuid4(),
            outcome=outcome, error_code=code, finished_at=now,
            started_at=now - timedelta(seconds=1 + number),
        )  # fmt: skip
    state = ask(api)[1]["openai"]["state"]
    # A request that was itself at fault is a call, and no failure of the provider.
    assert (state["failed_percent"], state["median_seconds"]) == (25.0, 1.5)


def test_what_was_paid_today_is_shown_to_whom_it_concerns(api, stranger_api, staff_api, make_task):
    for number, usd in enumerate(["0.0012", "0.0000000003"]):
        Attempt.objects.create(
            task=make_task(), number=number, provider="openai", model="m", outcome="succeeded",
            lease_token=uuid.uuid4(), started_at=timezone.now(), finished_at=timezone.now(),
            cost_usd=Decimal(usd),
        )  # fmt: skip
    paid = [ask(who)[1]["openai"]["cost_today_usd"] for who in (api, staff_api, stranger_api)]
    assert paid == ["0.0012000003", "0.0012000003", "0"]
    assert ask(api)[1]["deepseek"]["cost_today_usd"] == "0"


def test_an_open_breaker_is_shown_with_its_reason_and_the_moment_of_its_probe(api):
    until = timezone.now() + timedelta(seconds=20)
    breaker = Breaker(state=BreakerState.OPEN, reason="quota_exhausted", until=until.timestamp())
    ProviderState.objects.create(name="openai", breaker_json=breaker.to_json())
    state = ask(api)[1]["openai"]["state"]
    assert (state["blocked"], state["paused"]) == (True, False)
    assert "quota_exhausted" in state["blocked_reason"]
    assert state["breaker"]["state"] == "open"
    assert state["breaker"]["until"][:19] == until.isoformat()[:19] == state["blocked_until"][:19]


def test_an_operator_pauses_resumes_and_forces(staff_api, api):
    state = staff_api.post("/api/providers/openai/pause/").json()
    assert (state["paused"], state["blocked"], state["blocked_until"]) == (True, True, None)
    assert ask(api)[1]["openai"]["state"] == state
    assert staff_api.post("/api/providers/openai/resume/").json() == WELL
    state = staff_api.post("/api/providers/openai/breaker/", {"state": "open"}).json()
    assert (state["blocked"], state["breaker"]["force"]) == (True, "open")
    assert staff_api.post("/api/providers/openai/breaker/", {"state": "auto"}).json() == WELL


@pytest.mark.parametrize("door", ["pause/", "resume/", "breaker/"])
def test_only_operators_with_an_admin_key_steer(api, operator, owner, stranger, door):
    body = {"state": "open"} if door == "breaker/" else {}
    for client in (client_of(owner, Scope.ADMIN), client_of(operator, Scope.WRITE)):
        response = client.post(f"/api/providers/openai/{door}", body)
        assert error_of(response, 403)["code"] == "NOT_PERMITTED"
    assert not ProviderState.objects.exists()


@pytest.mark.parametrize("name", ["nobody", "mock", "auto", "%00", "OPENAI", "x" * 300])
def test_a_provider_that_is_none_cannot_be_steered(staff_api, name):
    error_of(staff_api.post(f"/api/providers/{name}/pause/"), 404)
    assert not ProviderState.objects.exists()


@pytest.mark.parametrize("body", [{}, {"state": "half_open"}, {"state": 1}, {"state": None}, [],
                                  {"state": "open", "for": 5}])  # fmt: skip
def test_a_bad_order_to_a_breaker_is_400(staff_api, body):
    error_of(staff_api.post("/api/providers/openai/breaker/", body), 400)
    assert not ProviderState.objects.exists()
