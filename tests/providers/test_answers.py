"""What every client makes of a proper answer, and what it sends to get one."""

from __future__ import annotations

import pytest

from tasks.errors import BadResponse, ContentFiltered
from tasks.providers.base import CompletionRequest, Usage
from tasks.vocabulary import FinishReason, Provider
from tests.fakes.provider import Behaviour, FakeProvider
from tests.providers.conftest import KEY, Ask, client_for

CUT = {Provider.ANTHROPIC: "max_tokens"}
REFUSED = {Provider.ANTHROPIC: "refusal"}


def test_an_answer_comes_with_text_model_reason_usage_and_request_id(
    fake: FakeProvider, ask: Ask
) -> None:
    fake.script(Behaviour(text="Bonjour", model="ran-this", prompt_tokens=50, cached_tokens=20))
    answer = ask("hello")
    assert (answer.text, answer.model) == ("Bonjour", "ran-this")
    assert answer.finish_reason is FinishReason.STOP
    assert not answer.is_truncated
    assert answer.usage == Usage(prompt_tokens=50, completion_tokens=7, cached_tokens=20)
    assert answer.request_id == "req-1"


def test_the_key_goes_in_the_vendors_header_and_nowhere_else(
    fake: FakeProvider, provider: Provider, ask: Ask
) -> None:
    ask("hello")
    (sent,) = fake.received()
    if provider is Provider.ANTHROPIC:
        assert sent.headers["x-api-key"] == KEY
        assert sent.headers["anthropic-version"] == "2026-10-21"
        assert "authorization" not in sent.headers
    else:
        assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(sent.body)
    assert KEY not in sent.path


def test_only_what_was_asked_is_sent(
    fake: FakeProvider, provider: Provider, ask: Ask, is_streamed: bool
) -> None:
    ask("hello", model="m")
    expected: dict[str, object] = {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
    }
    if provider is Provider.ANTHROPIC:
        expected["max_tokens"] = 4096
    if provider is Provider.DEEPSEEK:
        expected["thinking"] = {"type": "disabled"}
    if is_streamed:
        expected["stream"] = True
    if is_streamed and provider is not Provider.ANTHROPIC:
        expected["stream_options"] = {"include_usage": True}
    assert fake.received()[0].body == expected


def test_system_text_and_token_limit_go_where_the_vendor_wants_them(
    fake: FakeProvider, provider: Provider, ask: Ask
) -> None:
    ask("hello", system="Be brief.", max_tokens=5)
    body = fake.received()[0].body
    limit = "max_completion_tokens" if provider is Provider.OPENAI else "max_tokens"
    assert body[limit] == 5
    if provider is Provider.ANTHROPIC:
        assert body["system"] == "Be brief."
        assert len(body["messages"]) == 1
    else:
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_temperature_is_sent_only_to_those_that_take_one(
    fake: FakeProvider, provider: Provider, ask: Ask
) -> None:
    ask("hello", temperature=0.0)
    sent = fake.received()[0].body.get("temperature")
    assert sent == (None if provider is Provider.ANTHROPIC else 0.0)


def test_an_answer_cut_by_the_token_limit_is_kept_and_marked(
    fake: FakeProvider, provider: Provider, ask: Ask
) -> None:
    fake.script(Behaviour(text="Once upon", finish_reason=CUT.get(provider, "length")))
    answer = ask()
    assert (answer.text, answer.is_truncated) == ("Once upon", True)


def test_a_cut_answer_may_be_empty(fake: FakeProvider, provider: Provider, ask: Ask) -> None:
    fake.script(Behaviour(text="", finish_reason=CUT.get(provider, "length")))
    assert ask().is_truncated


def test_a_refusal_is_final_and_not_shopped_around(
    fake: FakeProvider, provider: Provider, ask: Ask
) -> None:
    fake.script(Behaviour(text="No.", finish_reason=REFUSED.get(provider, "content_filter")))
    with pytest.raises(ContentFiltered) as caught:
        ask()
    assert caught.value.is_retryable is caught.value.can_failover is False


def test_openais_refusal_field_is_a_refusal(fake: FakeProvider) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    fake.script(Behaviour(body={"choices": [{"message": message, "finish_reason": "stop"}]}))
    with pytest.raises(ContentFiltered, match="I cannot help"):
        client_for(fake, Provider.OPENAI).complete(
            CompletionRequest(prompt="x", model="m"), timeout_s=5
        )


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_answer_that_claims_to_be_whole_is_a_bad_response(
    fake: FakeProvider, ask: Ask, text: str
) -> None:
    fake.script(Behaviour(text=text))
    with pytest.raises(BadResponse, match="empty answer"):
        ask()


def test_missing_usage_is_none_and_not_zero(fake: FakeProvider, ask: Ask) -> None:
    fake.script(Behaviour(has_usage=False))
    assert ask().usage is None


@pytest.mark.parametrize("nonsense", [-1, 2**63, 1.5, "7", True, None])
def test_a_count_that_is_no_count_is_none(fake: FakeProvider, ask: Ask, nonsense: object) -> None:
    fake.script(Behaviour(prompt_tokens=11, completion_tokens=nonsense, cached_tokens=0))
    usage = ask().usage
    assert usage is not None
    assert usage.completion_tokens is None


def test_text_that_no_database_takes_is_mended(fake: FakeProvider, ask: Ask) -> None:
    fake.script(Behaviour(text="a\0b\ud800c", model="m\0"))
    answer = ask()
    assert (answer.text, answer.model) == ("a\ufffdb\ufffdc", "m\ufffd")


def test_blank_lines_before_the_answer_are_a_keep_alive(fake: FakeProvider, ask: Ask) -> None:
    fake.script(Behaviour(blank_lines=1000, text="late"))
    assert ask().text == "late"


def test_a_prompt_of_any_characters_arrives_as_it_is(fake: FakeProvider, ask: Ask) -> None:
    prompt = 'naïve 日本語 🎉 "quoted" \\ \x07 \u2028'
    assert ask(prompt).text == f"Answer to: {prompt}"
