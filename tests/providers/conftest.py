"""A fake provider for each test, and a client that speaks to it, once per vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasks.providers.base import Completion, CompletionRequest, ProviderClient, ProviderSettings
from tasks.providers.partial import Partial
from tasks.providers.registry import PROVIDER_CLASSES, build_client
from tasks.vocabulary import Provider
from tests.fakes.provider import FakeProvider

KEY = "sk-test-4f9d0c7a1e"

Ask = Callable[..., Completion]


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(params=sorted(PROVIDER_CLASSES))
def provider(request: pytest.FixtureRequest) -> Provider:
    return Provider(request.param)


@pytest.fixture
def client(fake: FakeProvider, provider: Provider) -> ProviderClient:
    return client_for(fake, provider)


@pytest.fixture(params=[False, True], ids=lambda on: "streamed" if on else "whole")
def is_streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def ask(client: ProviderClient, is_streamed: bool) -> Ask:
    """Ask the client, for a whole answer and for a streamed one; the rest of the request is given
    by keyword."""

    def asking(prompt: str = "hello", *, timeout_s: float = 10.0, **more: object) -> Completion:
        partial = Partial() if is_streamed else None
        request = CompletionRequest(
            prompt=prompt, partial=partial, **{"model": "some-model", **more}
        )
        return client.complete(request, timeout_s=timeout_s)

    return asking


def client_for(fake: FakeProvider, provider: Provider, *keys: str) -> ProviderClient:
    settings = ProviderSettings(
        name=provider, api_keys=keys or (KEY,), base_url=fake.base_url(provider)
    )
    return build_client(settings)
