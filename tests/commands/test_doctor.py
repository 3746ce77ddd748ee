"""`doctor`: what is wrong, and what to do; never a key."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from tasks.models import ProviderState, Worker
from tasks.providers.catalogue import load_catalogue
from tasks.providers.keys import fingerprint
from tasks.vocabulary import REAL_PROVIDERS
from tests.deployment import Deployment
from tests.fakes.provider import Behaviour, FakeProvider, Fault

pytestmark = pytest.mark.django_db
_KEY = "sk-very-secret-key"


@pytest.fixture
def worker(db) -> Worker:
    now = timezone.now()
    return Worker.objects.create(
        name="w", host="h", pid=1, slots=128, in_flight=3, started_at=now, beat_at=now
    )


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


def _doctor(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def _use(settings: Any, name: str, base_url: str, *keys: str) -> None:
    raw = settings.TASKRUNNER_PROVIDERS
    own = raw[name] | {"api_keys": list(keys or [_KEY]), "base_url": base_url}
    settings.TASKRUNNER_PROVIDERS = raw | {name: own}


def test_sound_installation_is_well(worker, operator, settings) -> None:
    settings.TASKRUNNER_MCP_USER = "operator"
    code, told = _doctor()
    assert code == 0, told
    assert "✓ workers: 1, calls in flight 3 of 128" in told
    assert told.endswith("All is well.\n")


def test_missing_workers_and_mcp_user_are_wrong_with_the_way_out(db) -> None:
    code, told = _doctor()
    assert code == 1
    assert "✗ workers: none is beating  → ./run" in told
    assert "createsuperuser --username admin" in told
    assert told.endswith("2 wrong.\n")


def test_worker_that_beats_no_more_does_not_count(worker, operator) -> None:
    Worker.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert "✗ workers: none is beating" in _doctor()[1]


def test_system_checks_are_told(worker, settings) -> None:
    settings.TASKRUNNER_RETRY_CAP = 0.1
    code, told = _doctor()
    assert code == 1
    assert "✗ tasks.E003" in told


def test_call_reaches_each_configured_provider_once(worker, operator, settings, provider) -> None:
    settings.TASKRUNNER_MCP_USER = "operator"
    for name in REAL_PROVIDERS:
        _use(settings, name, provider.base_url(name))
    code, told = _doctor("--call")
    assert code == 0, told
    for name in REAL_PROVIDERS:
        model = load_catalogue().default_model(name)
        assert f"✓ {name} called: {model} answered in " in told
        (request,) = provider.received(provider=name)
        assert request.model == model
    assert _KEY not in told


@pytest.mark.parametrize("name", REAL_PROVIDERS)
@pytest.mark.parametrize(
    ("trouble", "word", "remedy"),
    [
        (Behaviour(status=402), "quota_exhausted", "balance"),
        (Behaviour(status=404), "request_refused", "the default model and the base URL"),
        (Behaviour(status=503), "server_error", "status page"),
        (Behaviour(fault=Fault.HANG), "timeout", "TASKRUNNER_CALL_TIMEOUT"),
        (Behaviour(fault=Fault.RESET), "connection_failed", "firewall"),
        (Behaviour(body="<html>"), "bad_response", "status page"),
    ],
)
def test_each_trouble_of_each_provider_comes_with_what_to_do(
    worker, operator, settings, provider, name, trouble, word, remedy
) -> None:
    settings.TASKRUNNER_CALL_TIMEOUT = 0.3
    _use(settings, name, provider.base_url(name))
    provider.script(trouble)
    code, told = _doctor("--call")
    assert code == 1
    (line,) = [line for line in told.splitlines() if line.startswith(f"✗ {name} called")]
    assert word in line
    assert remedy in line.partition("→")[2]
    assert _KEY not in told


def test_refused_key_is_wrong_and_not_shown(worker, operator, settings, provider) -> None:
    _use(settings, "openai", provider.base_url("openai"))
    provider.script(Behaviour(status=401))
    code, told = _doctor("--call")
    assert code == 1
    assert "authentication_refused" in told
    assert "→ check the key" in told
    assert _KEY not in told


def test_one_refused_key_of_several_is_named_by_its_place_and_end(
    worker, operator, settings, provider
) -> None:
    keys = ["sk-the-first-key-1a2b", "sk-the-other-key-3c4d"]
    _use(settings, "openai", provider.base_url("openai"), *keys)
    later = (timezone.now() + timedelta(minutes=5)).timestamp()
    aside = {fingerprint(keys[1]): {"until": later, "reason": "quota_exhausted"}}
    ProviderState.objects.create(name="openai", refused_keys=aside)
    provider.script(Behaviour(status=401), key=keys[0])

    code, told = _doctor("--call")

    assert code == 1
    assert "✗ openai: key 2 of 2 (…3c4d) is set aside: quota_exhausted  → check" in told
    assert "✗ openai called with key 1 of 2 (…1a2b), gpt-6-luna: authentication_refused" in told
    assert not any(key in told for key in keys)


def test_without_call_no_provider_is_asked(worker, settings, provider) -> None:
    _use(settings, "openai", provider.base_url("openai"))
    _doctor()
    assert provider.count() == 0


@pytest.mark.processes
def test_database_that_is_away_is_wrong_and_the_rest_is_told(deployment: Deployment) -> None:
    away = "postgres://user:hidden@127.0.0.1:9/none"
    told = deployment.manage("doctor", DATABASE_URL=away)
    assert told.returncode == 1
    assert "✗ database: " in told.stdout
    assert "✓ journal folder" in told.stdout
    assert "hidden" not in told.stdout + told.stderr
