"""Verbs for tests of lanes and breakers: claim, let a call end in some way, let time pass."""

from __future__ import annotations

from tasks.conf import get_conf
from tasks.engine.claim import claim
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.errors import ProviderError
from tasks.models import ProviderState, Task
from tasks.providers.base import Completion
from tasks.vocabulary import FinishReason


def configure(settings, *names: str) -> None:
    settings.TASKRUNNER_PROVIDERS = {
        name: {
            "api_keys": ["key"] if name in names else [],
            "base_url": "",
            "default_model": "",
            "models": [],
        }
        for name in ("deepseek", "openai", "anthropic", "local")
    }


def answer(claimed: Claimed, error: ProviderError | None = None) -> None:
    completion = Completion(
        text="yes", model="gpt-6-luna", finish_reason=FinishReason.STOP, usage=None, request_id=""
    )
    result = Answer(claimed=claimed, completion=None if error else completion, error=error)
    settle_each([judge(result, get_conf(), lambda: 0.5)])


def claim_all(slots: int = 20) -> list[Claimed]:
    return claim(slots, "worker").claimed


def state() -> ProviderState:
    return ProviderState.objects.get(name="openai")


def make_the_probe_due() -> None:
    """As if the breaker's 30 s were over."""
    row = state()
    row.breaker_json = {**row.breaker_json, "until": 0.0}
    row.save()
    backoff_is_over()


def backoff_is_over() -> None:
    Task.objects.filter(status="PENDING").update(wake_at=None)
