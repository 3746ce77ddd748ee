"""The fake provider is honest: what it counts is what reached it, what it breaks is broken."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.fakes.process import FakeProviderProcess
from tests.fakes.provider import Behaviour, FakeProvider


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


def post(url: str, prompt: str, model: str = "m") -> dict[str, object]:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(url, data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as reply:
        answer: dict[str, object] = json.load(reply)
    return answer


def test_each_request_is_logged_with_its_prompt_model_and_headers(fake: FakeProvider) -> None:
    post(fake.base_url("deepseek") + "/chat/completions", "hello", "deepseek-flash")
    (record,) = fake.received(provider="deepseek", prompt="hello")
    assert (record.model, record.outcome) == ("deepseek-flash", "answered")
    assert record.headers["host"] == f"127.0.0.1:{fake.port}"
    assert (fake.count(), fake.count(prompt="other")) == (1, 0)


def test_the_newest_matching_rule_is_used_up_before_older_ones(fake: FakeProvider) -> None:
    url = fake.base_url("openai") + "/chat/completions"
    fake.script(Behaviour(text="old"), repeat=True)
    fake.script(Behaviour(text="new"), prompt_contains="x")
    texts = [post(url, prompt)["choices"][0]["message"]["content"] for prompt in ("y", "x", "x")]
    assert texts == ["old", "new", "old"]


def test_a_path_of_no_vendor_is_answered_404(fake: FakeProvider) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(fake.url + "/other", "hello")


@pytest.mark.processes
def test_the_process_can_be_scripted_and_read_from_outside() -> None:
    with FakeProviderProcess() as fake:
        fake.script(Behaviour(status=500), provider="anthropic")
        url = fake.base_url("anthropic") + "/v1/messages"
        with pytest.raises(urllib.error.HTTPError, match="500"):
            post(url, "one")
        assert post(url, "one")["content"] == [{"type": "text", "text": "Answer to: one"}]
        assert fake.count(prompt="one") == 2
        assert fake.log()["requests"][0]["provider"] == "anthropic"
        with pytest.raises(ValueError, match="behaviours is empty"):
            fake.script()
