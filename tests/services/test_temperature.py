"""A provider that takes no temperature is not asked for one: refused at submit, never dropped."""

from __future__ import annotations

import pytest

from tasks import services
from tasks.engine.claim import claim
from tasks.errors import InvalidInput
from tasks.vocabulary import Provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def configure(settings):
    def only(*names: str) -> None:
        settings.TASKRUNNER_PROVIDERS = {
            name: raw | {"api_keys": ["key"] if name in names else []}
            for name, raw in settings.TASKRUNNER_PROVIDERS.items()
        }

    return only


@pytest.mark.parametrize(
    "fields",
    [{"provider": "anthropic"}, {"model": "claude-haiku-5-5"}, {}, {"provider": "auto"}],
)
def test_temperature_for_anthropic_is_refused_at_submit(owner, configure, fields):
    configure("anthropic")
    with pytest.raises(InvalidInput) as caught:
        services.submit(owner, {"prompt": "hello", "temperature": 0.5, **fields})
    assert caught.value.fields == {
        "temperature": ["anthropic takes no temperature any more. Remove it."]
    }


def test_auto_keeps_a_temperature_away_from_who_refuses_it(owner, configure, settings):
    configure("anthropic", "openai")
    settings.TASKRUNNER_FAILOVER = ["anthropic", "openai"]
    services.submit(owner, {"prompt": "warm", "provider": "auto", "temperature": 0.5})
    services.submit(owner, {"prompt": "plain", "provider": "auto"})

    chosen = {one.request.prompt: one.provider for one in claim(5, "worker").claimed}

    assert chosen == {"warm": Provider.OPENAI, "plain": Provider.ANTHROPIC}
