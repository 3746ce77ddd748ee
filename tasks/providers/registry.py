"""Which class speaks to which provider. A new provider is a new line here."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.providers.anthropic import AnthropicClient
from tasks.providers.base import ProviderClient, ProviderSettings
from tasks.providers.deepseek import DeepSeekClient
from tasks.providers.local import LocalClient
from tasks.providers.mock import MockClient
from tasks.providers.openai import OpenAIClient
from tasks.providers.remote import RemoteClient
from tasks.vocabulary import Provider

PROVIDER_CLASSES: Mapping[Provider, type[RemoteClient]] = {
    cls.provider: cls for cls in (DeepSeekClient, OpenAIClient, AnthropicClient, LocalClient)
}
DEFAULT_BASE_URLS: Mapping[Provider, str] = {
    name: cls.default_base_url for name, cls in PROVIDER_CLASSES.items()
}


def build_client(settings: ProviderSettings) -> ProviderClient:
    """The client for these settings; make one per process and share it among its threads.

    Raises: ValueError for a base URL that is none, or a provider that is no server (`auto`).
    """
    if settings.name is Provider.MOCK:
        return MockClient()
    if settings.name not in PROVIDER_CLASSES:
        raise ValueError(f"{settings.name} is not a provider that can be called")
    return PROVIDER_CLASSES[settings.name](settings)
