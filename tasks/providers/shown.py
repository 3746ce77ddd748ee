"""A call as it goes over the line, for people to read: everything but the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.registry import PROVIDER_CLASSES
from tasks.vocabulary import Provider

_KEY = "[key]"
_NOWHERE = "http://nowhere.invalid"  # plain HTTP, so that no certificates are read for a picture


@dataclass(frozen=True, kw_only=True)
class ShownRequest:
    """`headers` are those that name the caller; in place of each key stands `[key]`."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def show_request(
    provider: Provider, base_url: str, request: CompletionRequest
) -> ShownRequest | None:
    """What a call of `provider` would send; None for one that is no server. base_url: empty means
    the vendor's own."""
    if provider not in PROVIDER_CLASSES:
        return None
    kind = PROVIDER_CLASSES[provider]
    client = kind(ProviderSettings(name=provider, api_keys=(), base_url=_NOWHERE, pool_size=1))
    return ShownRequest(
        url=_without_login((base_url or kind.default_base_url).rstrip("/")) + kind.path,
        headers={name: value.format(key=_KEY) for name, value in kind.auth_headers.items()},
        body=client.payload(request),
    )


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
