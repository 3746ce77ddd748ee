"""The one reader of settings: typed, frozen, cached; everything else asks `get_conf()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from tasks.policy.quota import Quota
from tasks.vocabulary import REAL_PROVIDERS, AutoRouting, MockMode, Provider


@dataclass(frozen=True, kw_only=True)
class ProviderConf:
    """What the environment says of one provider. An empty base URL means the vendor's own."""

    name: Provider
    api_keys: tuple[str, ...]
    base_url: str
    default_model: str
    extra_models: tuple[str, ...]
    quota: Quota

    @property
    def is_configured(self) -> bool:
        """A key makes a provider usable; a local server needs an address instead."""
        return bool(self.base_url) if self.name is Provider.LOCAL else bool(self.api_keys)

    @property
    def variable(self) -> str:
        """The variable to set in order to configure it."""
        suffix = "BASE_URL" if self.name is Provider.LOCAL else "API_KEY"
        return f"{self.name.upper()}_{suffix}"


@dataclass(frozen=True, kw_only=True)
class AlertConf:
    """When operators are told, and where. A limit of 0 turns its rule off."""

    emails: tuple[str, ...]
    webhook_url: str
    for_s: float
    queue_age_s: float
    failed_percent: float
    budget_percent: float


@dataclass(frozen=True, kw_only=True)
class Conf:
    """The environment, typed; README.md tells of each variable. Times are seconds."""

    default_provider: str
    auto: AutoRouting
    workers: int
    concurrency: int
    call_timeout_s: float
    max_attempts: int
    retry_base_s: float
    retry_cap_s: float
    lease_s: float
    aging_s: float
    failover: tuple[Provider, ...]
    mock: MockMode
    prompt_max_chars: int
    journal_dir: Path
    price_file: Path
    retention_days: int | None
    daily_budget_usd: Decimal | None
    cache_ttl_s: float
    stream: bool
    mcp_user: str
    mcp_allowed_hosts: tuple[str, ...]
    mcp_allowed_origins: tuple[str, ...]
    alerts: AlertConf
    webhook_allowed_hosts: frozenset[str]
    providers: Mapping[Provider, ProviderConf]

    @property
    def slots_per_worker(self) -> int:
        """Calls in flight that one worker process may hold, so that all share `concurrency`."""
        return max(1, -(-self.concurrency // self.workers))

    @cached_property
    def configured(self) -> tuple[Provider, ...]:
        """The configured real providers, failover order first, then the others."""
        order = [*self.failover, *(p for p in REAL_PROVIDERS if p not in self.failover)]
        return tuple(p for p in order if self.providers[p].is_configured)

    @property
    def is_mock_standing_in(self) -> bool:
        """The mock answers for every provider: always, or while none is configured."""
        if self.mock is MockMode.ALWAYS:
            return True
        return self.mock is MockMode.AUTO and not self.configured


@lru_cache(maxsize=1)
def get_conf() -> Conf:
    """The settings as they stand; cached until Django says that one has changed."""
    return Conf(
        default_provider=settings.TASKRUNNER_DEFAULT_PROVIDER,
        auto=settings.TASKRUNNER_AUTO,
        workers=settings.TASKRUNNER_WORKERS,
        concurrency=settings.TASKRUNNER_CONCURRENCY,
        call_timeout_s=settings.TASKRUNNER_CALL_TIMEOUT,
        max_attempts=settings.TASKRUNNER_MAX_ATTEMPTS,
        retry_base_s=settings.TASKRUNNER_RETRY_BASE,
        retry_cap_s=settings.TASKRUNNER_RETRY_CAP,
        lease_s=settings.TASKRUNNER_LEASE,
        aging_s=settings.TASKRUNNER_AGING,
        failover=tuple(Provider(name) for name in settings.TASKRUNNER_FAILOVER),
        mock=MockMode(settings.TASKRUNNER_MOCK),
        prompt_max_chars=settings.TASKRUNNER_PROMPT_MAX_CHARS,
        journal_dir=Path(settings.TASKRUNNER_JOURNAL_DIR),
        price_file=Path(settings.TASKRUNNER_PRICE_FILE),
        retention_days=settings.TASKRUNNER_RETENTION_DAYS,
        cache_ttl_s=settings.TASKRUNNER_CACHE_TTL,
        stream=settings.TASKRUNNER_STREAM,
        daily_budget_usd=settings.TASKRUNNER_DAILY_BUDGET_USD,
        mcp_user=settings.TASKRUNNER_MCP_USER,
        mcp_allowed_hosts=tuple(settings.TASKRUNNER_MCP_ALLOWED_HOSTS),
        mcp_allowed_origins=tuple(settings.TASKRUNNER_MCP_ALLOWED_ORIGINS),
        alerts=AlertConf(
            emails=tuple(settings.TASKRUNNER_ALERT_EMAIL),
            webhook_url=settings.TASKRUNNER_ALERT_WEBHOOK,
            for_s=settings.TASKRUNNER_ALERT_FOR,
            queue_age_s=settings.TASKRUNNER_ALERT_QUEUE_AGE,
            failed_percent=settings.TASKRUNNER_ALERT_FAILED_PERCENT,
            budget_percent=settings.TASKRUNNER_ALERT_BUDGET_PERCENT,
        ),
        webhook_allowed_hosts=frozenset(
            host.lower() for host in settings.TASKRUNNER_WEBHOOK_ALLOWED_HOSTS
        ),
        providers={
            name: _provider_conf(name, settings.TASKRUNNER_PROVIDERS[name.value])
            for name in REAL_PROVIDERS
        },
    )


def _provider_conf(name: Provider, raw: Mapping[str, Any]) -> ProviderConf:
    return ProviderConf(
        name=name,
        api_keys=tuple(raw["api_keys"]),
        base_url=raw["base_url"],
        default_model=raw["default_model"],
        extra_models=tuple(raw["models"]),
        quota=Quota(requests=raw.get("rpm"), tokens=raw.get("tpm")),
    )


def _forget(*, setting: str, **_: object) -> None:
    if setting.startswith("TASKRUNNER_"):
        get_conf.cache_clear()


setting_changed.connect(_forget)
