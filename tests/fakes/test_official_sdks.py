"""The vendors' own SDKs take the fake provider for the real thing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import anthropic
import openai
import pytest

from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.partial import Partial
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider
from tests.fakes.provider import Behaviour, FakeProvider, Fault

CHAT = ["openai", "deepseek", "local"]
ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture
def claude(fake: FakeProvider) -> Iterator[anthropic.Anthropic]:
    url = fake.base_url("anthropic")
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture(params=CHAT)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chat(fake: FakeProvider, vendor: str) -> Iterator[openai.OpenAI]:
    url = fake.base_url(vendor)
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0, timeout=5) as client:
        yield client


def ask_chat(client: openai.OpenAI):
    return client.chat.completions.create(
        model="some-model", messages=[{"role": "user", "content": "hello"}]
    )


def ask_claude(client: anthropic.Anthropic):
    return client.messages.create(
        model="some-model", max_tokens=10, messages=[{"role": "user", "content": "hello"}]
    )


def test_openais_sdk_reads_an_answer_with_usage_and_request_id(
    fake: FakeProvider, chat: openai.OpenAI
) -> None:
    fake.script(Behaviour(text="Bonjour", prompt_tokens=50, cached_tokens=20))
    answer = ask_chat(chat)
    assert (answer.choices[0].message.content, answer.model) == ("Bonjour", "some-model")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens_details.cached_tokens == 20
    assert answer._request_id == "req-1"


def test_anthropics_sdk_reads_an_answer_with_usage_and_request_id(
    fake: FakeProvider, claude: anthropic.Anthropic
) -> None:
    fake.script(Behaviour(text="Bonjour", prompt_tokens=50, cached_tokens=20))
    answer = ask_claude(claude)
    assert (answer.content[0].text, answer.stop_reason) == ("Bonjour", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (30, 20)
    assert answer._request_id == "req-1"


def stream_chat(client: openai.OpenAI):
    return client.chat.completions.create(
        model="some-model",
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )


def stream_claude(client: anthropic.Anthropic):
    return client.messages.stream(
        model="some-model", max_tokens=10, messages=[{"role": "user", "content": "hello"}]
    )


def test_openais_sdk_reads_a_stream_with_its_usage(fake: FakeProvider, chat: openai.OpenAI) -> None:
    fake.script(Behaviour(text="Bonjour le monde", pieces=3, blank_lines=2, cached_tokens=2))
    chunks = list(stream_chat(chat))
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert [piece for piece in said if piece] == ["Bonjou", "r le m", "onde"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 2
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_anthropics_sdk_reads_a_stream_with_its_usage(
    fake: FakeProvider, claude: anthropic.Anthropic
) -> None:
    fake.script(Behaviour(text="Bonjour le monde", pieces=3, prompt_tokens=50, cached_tokens=20))
    with stream_claude(claude) as stream:
        assert list(stream.text_stream) == ["Bonjou", "r le m", "onde"]
        whole = stream.get_final_message()
    assert (whole.content[0].text, whole.stop_reason) == ("Bonjour le monde", "end_turn")
    assert (whole.usage.input_tokens, whole.usage.cache_read_input_tokens) == (30, 20)
    assert whole.usage.output_tokens == 7


def test_an_error_in_a_stream_is_an_error_to_their_sdks(
    fake: FakeProvider, chat: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    fake.script(Behaviour(fault=Fault.ERROR_EVENT), repeat=True)
    with pytest.raises(openai.APIError, match="scripted overload"):
        list(stream_chat(chat))
    with pytest.raises(anthropic.APIStatusError, match="scripted overload"):
        stream_claude(claude).__enter__().get_final_message()


@pytest.mark.parametrize(("status", "name"), ERRORS.items())
def test_openais_sdk_raises_the_class_of_each_status(
    fake: FakeProvider, chat: openai.OpenAI, status: int, name: str
) -> None:
    fake.script(Behaviour(status=status))
    with pytest.raises(getattr(openai, name)) as caught:
        ask_chat(chat)
    assert caught.value.body["message"] == f"scripted {status}"
    assert caught.value.request_id == "req-1"


@pytest.mark.parametrize(("status", "name"), [*ERRORS.items(), (529, "OverloadedError")])
def test_anthropics_sdk_raises_the_class_of_each_status(
    fake: FakeProvider, claude: anthropic.Anthropic, status: int, name: str
) -> None:
    fake.script(Behaviour(status=status))
    kind = getattr(anthropic, name, anthropic.InternalServerError)  # 529 has a class in some only
    with pytest.raises(kind) as caught:
        ask_claude(claude)
    assert caught.value.body["error"]["message"] == f"scripted {status}"
    assert caught.value.request_id == "req-1"


def test_their_own_retries_honour_the_fakes_retry_after(fake: FakeProvider) -> None:
    later = Behaviour(status=429, headers={"retry-after-ms": "300"})
    fake.script(later, Behaviour(), provider="openai")
    fake.script(later, Behaviour(), provider="anthropic")
    with openai.OpenAI(base_url=fake.base_url("openai"), api_key="k") as chat:
        ask_chat(chat)
    with anthropic.Anthropic(base_url=fake.base_url("anthropic"), api_key="k") as claude:
        ask_claude(claude)
    for name in ("openai", "anthropic"):
        first, second = fake.received(provider=name)
        assert second.received_at - first.received_at >= 0.3


@pytest.mark.parametrize(
    ("fault", "name"),
    [(Fault.RESET, "APIConnectionError"), (Fault.CLOSE, "APIConnectionError"),
     (Fault.HANG, "APITimeoutError")],
)  # fmt: skip
def test_a_broken_line_is_what_their_sdks_call_one(
    fake: FakeProvider, fault: Fault, name: str
) -> None:
    fake.script(Behaviour(fault=fault), repeat=True)
    chat = openai.OpenAI(base_url=fake.base_url("openai"), api_key="k", max_retries=0, timeout=0.3)
    claude = anthropic.Anthropic(
        base_url=fake.base_url("anthropic"), api_key="k", max_retries=0, timeout=0.3
    )
    with pytest.raises(getattr(openai, name)), chat:
        ask_chat(chat)
    with pytest.raises(getattr(anthropic, name)), claude:
        ask_claude(claude)


def test_our_client_speaks_the_revision_that_their_sdk_speaks(
    fake: FakeProvider, claude: anthropic.Anthropic
) -> None:
    ask_claude(claude)
    settings = ProviderSettings(
        name=Provider.ANTHROPIC, api_keys=("k",), base_url=fake.base_url("anthropic")
    )
    request = CompletionRequest(prompt="hello", model="some-model", max_tokens=10, temperature=1.0)
    build_client(settings).complete(request, timeout_s=5)
    theirs, ours = fake.received(provider="anthropic")
    assert ours.headers["anthropic-version"] == theirs.headers["anthropic-version"] == "2026-10-21"
    assert (ours.path, ours.body) == (theirs.path, theirs.body)
    stream_claude(claude).__enter__().get_final_message()
    in_pieces = CompletionRequest(
        prompt="hello", model="some-model", max_tokens=10, partial=Partial()
    )
    build_client(settings).complete(in_pieces, timeout_s=5)
    *_, theirs, ours = fake.received(provider="anthropic")
    assert ours.body == theirs.body
    parameters = inspect.signature(claude.messages.create).parameters
    assert "max_tokens" in parameters
    assert "temperature" not in parameters  # so the revision takes none, and we send none


def test_our_client_sends_what_openais_sdk_sends(fake: FakeProvider, chat: openai.OpenAI) -> None:
    ask_chat(chat)
    settings = ProviderSettings(
        name=Provider.OPENAI, api_keys=("k",), base_url=fake.base_url("openai")
    )
    request = CompletionRequest(prompt="hello", model="some-model")
    build_client(settings).complete(request, timeout_s=5)
    theirs, ours = fake.received()
    assert ours.body == theirs.body
    assert ours.headers["authorization"] == theirs.headers["authorization"]
    list(stream_chat(chat))
    in_pieces = CompletionRequest(prompt="hello", model="some-model", partial=Partial())
    build_client(settings).complete(in_pieces, timeout_s=5)
    *_, theirs, ours = fake.received()
    assert ours.body == theirs.body
