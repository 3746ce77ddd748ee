"""Settings: each nonsense is refused by its name, production by its rules."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.deployment import ROOT

pytestmark = pytest.mark.once  # each process is given all of its environment

_KEY = "k" * 60


def _load(code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", f"from taskrunner import settings\n{code}"],
        cwd=ROOT, env={"SECRET_KEY": _KEY, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("DEBUG", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://localhost/tasks"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("REDIS_URL", "redis://"),
        ("DEEPSEEK_BASE_URL", "api.deepseek.com"),
        ("LOCAL_BASE_URL", "ftp://127.0.0.1"),
        ("TASKRUNNER_DEFAULT_PROVIDER", "cohere"),
        ("TASKRUNNER_AUTO", "best"),
        ("TASKRUNNER_WORKERS", "0"),
        ("TASKRUNNER_WORKERS", "many"),
        ("TASKRUNNER_CONCURRENCY", "-1"),
        ("TASKRUNNER_CALL_TIMEOUT", "nan"),
        ("TASKRUNNER_CALL_TIMEOUT", "0"),
        ("TASKRUNNER_MAX_ATTEMPTS", "1.5"),
        ("TASKRUNNER_RETRY_BASE", "-1"),
        ("TASKRUNNER_RETRY_CAP", "inf"),
        ("TASKRUNNER_LEASE", "0.5"),
        ("TASKRUNNER_FAILOVER", "openai,cohere"),
        ("TASKRUNNER_FAILOVER", "openai,openai"),
        ("TASKRUNNER_MOCK", "sometimes"),
        ("TASKRUNNER_PROMPT_MAX_CHARS", "0"),
        ("TASKRUNNER_DAILY_BUDGET_USD", "0"),
        ("TASKRUNNER_DAILY_BUDGET_USD", "-5"),
        ("TASKRUNNER_DAILY_BUDGET_USD", "nan"),
        ("TASKRUNNER_DAILY_BUDGET_USD", "5 USD"),
        ("TASKRUNNER_CACHE_TTL", "-1"),
        ("TASKRUNNER_CACHE_TTL", "a day"),
        ("TASKRUNNER_RPM_OPENAI", "0"),
        ("TASKRUNNER_RPM_LOCAL", "fast"),
        ("TASKRUNNER_TPM_DEEPSEEK", "-5"),
        ("TASKRUNNER_TPM_ANTHROPIC", "1e6"),
    ],
)
def test_nonsense_is_refused_by_its_name(name: str, value: str) -> None:
    refused = _load(**{name: value})
    assert refused.returncode != 0
    assert f"ImproperlyConfigured: {name}=" in refused.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "insecure-" + _KEY}, "SECRET_KEY"),
        ({"DEBUG": "true"}, "DEBUG"),
        ({"ALLOWED_HOSTS": "example.org,*"}, "ALLOWED_HOSTS"),
    ],
)
def test_production_refuses_what_would_open_it(environment: dict[str, str], reason: str) -> None:
    refused = _load(**{"ENVIRONMENT": "production", **environment})
    assert f"ImproperlyConfigured: {reason}" in refused.stderr


def test_database_password_is_not_in_the_refusal_of_its_address() -> None:
    refused = _load(DATABASE_URL="mysql://user:hidden@localhost/tasks")
    assert refused.returncode != 0
    assert "hidden" not in refused.stderr


def test_empty_failover_turns_it_off_and_unset_means_the_default() -> None:
    tell = "print(settings.TASKRUNNER_FAILOVER)"
    assert _load(tell, TASKRUNNER_FAILOVER="").stdout.strip() == "[]"
    assert _load(tell).stdout.strip() == "['deepseek', 'openai', 'anthropic']"


def test_refusal_is_one_line_and_exit_2_on_the_command_line() -> None:
    refused = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True,
        env={"SECRET_KEY": _KEY, "TASKRUNNER_LEASE": "soon"}, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr.startswith("Configuration error: TASKRUNNER_LEASE=")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("hosts", ["example.org", ""])
def test_health_checks_from_beside_us_are_always_allowed(hosts: str) -> None:
    told = _load("print(settings.ALLOWED_HOSTS)", ALLOWED_HOSTS=hosts).stdout
    assert "'127.0.0.1'" in told
    assert ("'example.org'" in told) == bool(hosts)


def test_options_in_the_database_address_have_the_last_word() -> None:
    told = _load(
        "print(settings.DATABASES['default']['OPTIONS'])",
        DATABASE_URL="postgres://db.example.org/tasks?sslmode=require&connect_timeout=9",
    ).stdout
    assert "'sslmode': 'require'" in told
    assert "'connect_timeout': 9" in told
    assert "'tcp_user_timeout': 10000" in told


def test_secret_that_begins_with_a_dollar_is_taken_as_it_is() -> None:
    told = _load("print(settings.SECRET_KEY)", SECRET_KEY="$" + _KEY).stdout
    assert told.strip() == "$" + _KEY
