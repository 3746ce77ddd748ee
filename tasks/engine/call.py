"""Call: one attempt at one provider, whatever happens turned into an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from tasks.conf import Conf
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.pricing import price
from tasks.errors import BadResponse, ProviderError
from tasks.providers.base import ProviderClient, ProviderSettings
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider

log = structlog.get_logger(__name__)


class Caller:
    """The provider clients of one process, built as they are first needed."""

    def __init__(self, conf: Conf) -> None:
        self._timeout_s = conf.call_timeout_s
        self._clients: dict[Provider, ProviderClient] = {
            name: build_client(settings) for name, settings in _settings(conf).items()
        }

    def __call__(self, claimed: Claimed) -> Answer:
        """The answer, never an exception: a client's own bug must not cost the task its slot."""
        sent_at = datetime.now(UTC)
        try:
            completion = self._clients[claimed.provider].complete(
                claimed.request, timeout_s=self._timeout_s
            )
        except ProviderError as error:
            cost = price(claimed, error.usage, "", sent_at)
            return Answer(claimed=claimed, error=error, cost=cost)
        except Exception:
            log.exception("provider client failed", task=claimed.task_id)
            fault = BadResponse(f"The {claimed.provider} client failed; the log tells why.")
            return Answer(claimed=claimed, error=fault)
        cost = price(claimed, completion.usage, completion.model, sent_at)
        return Answer(claimed=claimed, completion=completion, cost=cost)


def _settings(conf: Conf) -> dict[Provider, ProviderSettings]:
    slots = conf.slots_per_worker
    settings = {
        name: ProviderSettings(
            name=name, api_keys=own.api_keys, base_url=own.base_url, pool_size=slots
        )
        for name, own in conf.providers.items()
        if own.is_configured
    }
    settings[Provider.MOCK] = ProviderSettings(
        name=Provider.MOCK, api_keys=(), base_url="", pool_size=slots
    )
    return settings
