from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Task


def test_a_prompt_alone_becomes_a_pending_task_of_the_caller(open_desk, owner, era):
    answer = open_desk(owner, mode=era).ask("create_task", prompt="hello")
    task = Task.objects.get()
    assert (task.owner, task.prompt, task.priority) == (owner, "hello", 5)
    assert answer["success"] is True
    assert (answer["task_id"], answer["status"]) == (task.pk, "PENDING")
    assert str(task.pk) in answer["message"]


def test_every_argument_reaches_the_task(desk):
    run_after = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    desk.ask(
        "create_task", prompt="hello", provider="openai", model="gpt-6-luna", priority=9,
        system="be brief", max_tokens=7, tags=["a", "b", "a"], run_after=run_after.isoformat(),
    )  # fmt: skip
    task = Task.objects.get()
    assert (task.provider, task.model, task.priority) == ("openai", "gpt-6-luna", 9)
    assert (task.system, task.max_tokens, task.tags) == ("be brief", 7, ["a", "b"])
    assert task.run_after == task.wake_at == run_after


def test_null_for_an_optional_argument_means_not_given(desk):
    desk.ask("create_task", prompt="hello", provider=None, model=None, priority=None, tags=None)
    assert Task.objects.get().priority == 5


def test_a_repeated_key_returns_the_first_task(desk):
    first = desk.ask("create_task", prompt="hello", idempotency_key="k")
    again = desk.ask("create_task", prompt="hello", idempotency_key="k")
    assert again["task_id"] == first["task_id"]
    assert "earlier" in again["message"]
    assert Task.objects.count() == 1


def test_a_key_with_another_prompt_is_refused(desk):
    desk.ask("create_task", prompt="hello", idempotency_key="k")
    code, message = desk.refusal("create_task", prompt="other", idempotency_key="k")
    assert (code, "key" in message) == ("VALIDATION_ERROR", True)
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""), ("prompt", "   "), ("prompt", "x" * 1001), ("prompt", 7), ("prompt", None),
        ("prompt", "a\x00b"), ("prompt", "a\ud800b"), ("prompt", ["secret-input"]),
        ("priority", 0), ("priority", 11), ("priority", -1), ("priority", "5"), ("priority", True),
        ("priority", 5.0), ("priority", 2**63), ("priority", 2**70),
        ("provider", "secret-input"), ("provider", "\ud800"), ("provider", 7), ("provider", []),
        ("model", "x" * 101), ("model", True), ("model", "\ud800"),
        ("system", "x" * 1001), ("max_tokens", 0), ("max_tokens", 2**70), ("max_tokens", "7"),
        ("tags", "secret-input"), ("tags", ["x" * 51]), ("tags", [7]), ("tags", ["t"] * 21),
        ("run_after", "secret-input"), ("run_after", 7), ("run_after", True),
        ("idempotency_key", ""), ("idempotency_key", "x" * 256), ("idempotency_key", 7),
        ("idempotency_key", "a\nb"), ("idempotency_key", "\ud800"),
    ],
)  # fmt: skip
def test_an_argument_that_breaks_a_rule_is_refused_by_name(desk, field, value):
    code, message = desk.refusal("create_task", **({"prompt": "hello"} | {field: value}))
    assert code == "VALIDATION_ERROR"
    assert field in message
    for leak in ("secret-input", "pydantic", "https://", "x" * 50):
        assert leak not in message
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "field", ["status", "result", "owner", "temperature", "Prompt", "cost_usd"]
)
def test_an_argument_that_is_not_in_the_schema_is_refused(desk, field):
    code, message = desk.refusal("create_task", **{"prompt": "hello", field: "x"})
    assert code == "VALIDATION_ERROR"
    assert field in message
    assert not Task.objects.exists()


def test_a_missing_prompt_is_refused(desk):
    code, message = desk.refusal("create_task")
    assert (code, "prompt" in message) == ("VALIDATION_ERROR", True)


def test_a_provider_that_is_not_configured_names_the_variable(desk, settings):
    settings.TASKRUNNER_MOCK = "never"
    code, message = desk.refusal("create_task", prompt="hello", provider="openai")
    assert (code, "OPENAI_API_KEY" in message) == ("VALIDATION_ERROR", True)


def test_an_unknown_model_is_refused_with_those_that_are_known(desk):
    code, message = desk.refusal("create_task", prompt="hello", provider="openai", model="nope")
    assert (code, "gpt-6-luna" in message) == ("VALIDATION_ERROR", True)


def test_the_limit_of_the_prompt_is_the_setting(desk, settings):
    settings.TASKRUNNER_PROMPT_MAX_CHARS = 3
    desk.ask("create_task", prompt="äöü")
    assert desk.refusal("create_task", prompt="äöüx")[0] == "VALIDATION_ERROR"
