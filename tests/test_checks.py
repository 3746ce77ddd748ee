"""System checks: which settings are refused, and what the refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core import checks

from tasks.checks import TAG
from tasks.vocabulary import MockMode, Stage


def _found() -> dict[str, checks.CheckMessage]:
    return {str(message.id): message for message in checks.run_checks(tags=[TAG])}


def _configure(settings: Any, **keys: str) -> None:
    settings.TASKRUNNER_PROVIDERS = {
        name: raw | {"api_keys": [keys[name]] if name in keys else []}
        for name, raw in settings.TASKRUNNER_PROVIDERS.items()
    }


def test_settings_of_the_tests_are_clean() -> None:
    assert _found() == {}


def test_nobody_to_answer_is_an_error_with_a_variable_to_set(settings: Any) -> None:
    settings.TASKRUNNER_MOCK = MockMode.NEVER
    assert "DEEPSEEK_API_KEY" in str(_found()["tasks.E001"].hint)


def test_one_configured_provider_is_enough(settings: Any) -> None:
    settings.TASKRUNNER_MOCK = MockMode.NEVER
    _configure(settings, anthropic="key")
    assert _found() == {}


@pytest.mark.parametrize(
    ("default", "hint"), [("openai", "OPENAI_API_KEY"), ("mock", "TASKRUNNER_MOCK=always")]
)
def test_default_provider_that_cannot_answer_is_an_error(
    settings: Any, default: str, hint: str
) -> None:
    _configure(settings, deepseek="key")
    settings.TASKRUNNER_DEFAULT_PROVIDER = default
    assert hint in str(_found()["tasks.E002"].hint)


@pytest.mark.parametrize("default", ["deepseek", "auto"])
def test_default_provider_that_can_answer_is_none(settings: Any, default: str) -> None:
    _configure(settings, deepseek="key")
    settings.TASKRUNNER_DEFAULT_PROVIDER = default
    assert _found() == {}


def test_retry_cap_below_its_base_is_an_error(settings: Any) -> None:
    settings.TASKRUNNER_RETRY_BASE, settings.TASKRUNNER_RETRY_CAP = 2.0, 1.0
    assert set(_found()) == {"tasks.E003"}


def test_journal_folder_that_cannot_be_made_is_an_error(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.TASKRUNNER_JOURNAL_DIR = str(tmp_path / "file" / "journal")
    assert set(_found()) == {"tasks.E004"}


def test_journal_folder_that_is_still_to_be_made_is_none(settings: Any, tmp_path: Path) -> None:
    settings.TASKRUNNER_JOURNAL_DIR = str(tmp_path / "a" / "b")
    assert _found() == {}


def test_lease_that_a_busy_moment_outlasts_is_a_warning(settings: Any) -> None:
    settings.TASKRUNNER_LEASE = 1.0
    assert set(_found()) == {"tasks.W003"}


def test_more_calls_than_open_files_is_a_warning(settings: Any) -> None:
    settings.TASKRUNNER_WORKERS, settings.TASKRUNNER_CONCURRENCY = 1, 10**9
    assert set(_found()) == {"tasks.W004"}


def test_production_on_sqlite_with_mock_answers_warns_of_both(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENVIRONMENT = Stage.PRODUCTION
    # Put back afterwards: new connections of the tests to come are opened by this dictionary.
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert {"tasks.W001", "tasks.W002"} <= set(_found())
