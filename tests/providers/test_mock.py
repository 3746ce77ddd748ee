"""The mock is honest about itself, and the same every time."""

from __future__ import annotations

from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.mock import MockClient
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider


def ask(prompt: str, client: MockClient | None = None) -> str:
    request = CompletionRequest(prompt=prompt, model="mock-1")
    return (client or MockClient()).complete(request, timeout_s=1).text


def test_the_answer_says_that_it_is_a_mock_and_echoes_the_prompt() -> None:
    answer = ask("What is the  capital\nof France?")
    assert "mock answer: no AI provider wrote it" in answer
    assert "What is the capital of France?" in answer


def test_a_long_prompt_is_echoed_in_short() -> None:
    assert len(ask("word " * 1000)) < 300


def test_the_same_prompt_gets_the_same_answer() -> None:
    assert ask("x") == ask("x") != ask("y")


def test_usage_is_estimated_and_nothing_is_truncated() -> None:
    request = CompletionRequest(prompt="x" * 400, model="mock-1")
    answer = MockClient().complete(request, timeout_s=1)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 100
    assert (answer.usage.completion_tokens or 0) > 10
    assert (answer.model, answer.is_truncated) == ("mock-1", False)


def test_the_registry_builds_it_without_key_or_address() -> None:
    client = build_client(ProviderSettings(name=Provider.MOCK, api_keys=(), base_url=""))
    assert client.name is Provider.MOCK
