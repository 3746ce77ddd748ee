"""`doctor --call`: one small real call to each configured provider."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tasks.conf import Conf, ProviderConf, get_conf
from tasks.errors import ProviderError
from tasks.management.findings import Finding, good, wrong
from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.catalogue import load_catalogue
from tasks.providers.keys import fingerprint, masked
from tasks.providers.registry import build_client

_LONGEST_CALL_S = 30.0
_ANSWER_TOKENS = 16
_REMEDIES = {
    "authentication_refused": "check the key",
    "quota_exhausted": "check the account's balance and limits",
    "connection_failed": "check the address, the name service and the firewall",
    "timeout": "check the address, or raise TASKRUNNER_CALL_TIMEOUT",
    "request_refused": "check the default model and the base URL",
}


def call_providers() -> Iterator[Finding]:
    conf = get_conf()
    for name in conf.configured:
        yield _call(conf.providers[name], conf)


def _call(provider: ProviderConf, conf: Conf) -> Finding:
    model = provider.default_model or load_catalogue().default_model(provider.name)
    client = build_client(
        ProviderSettings(
            name=provider.name,
            api_keys=provider.api_keys,
            base_url=provider.base_url,
            pool_size=1,
        )
    )
    request = CompletionRequest(
        prompt="Answer with the word OK.", model=model, max_tokens=_ANSWER_TOKENS
    )
    started = time.monotonic()
    try:
        answer = client.complete(request, timeout_s=min(conf.call_timeout_s, _LONGEST_CALL_S))
    except ProviderError as error:
        remedy = _REMEDIES.get(error.code, "see the provider's status page")
        which = _which_key(provider, error)
        return wrong(
            f"{provider.name} called{which}, {model}: {error.code}: {error.message}", remedy
        )
    took_ms = (time.monotonic() - started) * 1000
    return good(f"{provider.name} called: {answer.model} answered in {took_ms:.0f} ms")


def _which_key(provider: ProviderConf, error: ProviderError) -> str:
    """Which of several keys the call was made with."""
    ids = [fingerprint(key) for key in provider.api_keys]
    if len(ids) < 2 or error.key_id not in ids:
        return ""
    return f" with {masked(provider.api_keys, ids.index(error.key_id))}"
