"""No reply, however strange, gets anything but a completion or a ProviderError out of a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import ProviderError
from tasks.providers.base import CompletionRequest, ProviderClient
from tasks.vocabulary import Provider
from tests.fakes.provider import Behaviour, FakeProvider
from tests.providers.conftest import client_for

REQUEST = CompletionRequest(prompt="hello", model="m")
KEYS = ["choices", "message", "content", "finish_reason", "usage", "error", "text", "type"]
KEYS += [
    "stop_reason",
    "input_tokens",
    "prompt_tokens",
    "refusal",
    "model",
    "id",
    "code",
    "details",
]
WORDS = st.sampled_from(["stop", "length", "text", "end_turn", "refusal", "", "\0", "\ud800"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
BODIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=20,
)
HEADS = st.sampled_from(
    ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 429 Slow\r\nretry-after: ", "HTTP/1.1 500\r\n", "HTTP/", ""]
)
PEACE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def open_fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(scope="module", params=[Provider.DEEPSEEK, Provider.ANTHROPIC])
def asked(request: pytest.FixtureRequest, open_fake: FakeProvider) -> ProviderClient:
    return client_for(open_fake, request.param)


def ask_with(client: ProviderClient, fake: FakeProvider, behaviour: Behaviour) -> None:
    fake.board.default = behaviour
    with suppress(ProviderError):
        answer = client.complete(REQUEST, timeout_s=0.5)
        assert answer.is_truncated or answer.text.strip()
        (answer.text + answer.model + answer.request_id).encode()


@PEACE
@given(body=BODIES, status=st.sampled_from([200, 200, 400, 429, 500]))
def test_any_json_is_a_completion_or_a_typed_error(
    asked: ProviderClient, open_fake: FakeProvider, body: object, status: int
) -> None:
    if body is not None:
        ask_with(asked, open_fake, Behaviour(body=body, status=status))


@PEACE
@given(head=HEADS, tail=st.text(st.characters(max_codepoint=255), max_size=80))
def test_any_bytes_are_a_completion_or_a_typed_error(
    asked: ProviderClient, open_fake: FakeProvider, head: str, tail: str
) -> None:
    ask_with(asked, open_fake, Behaviour(raw=head + tail))
