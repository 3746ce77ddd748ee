"""System checks with ids: what Django refuses to start with, and the way out.

E001 nobody can answer            W001 SQLite in production
E002 default provider not usable  W002 only mock answers in production
E003 retry cap below its base     W003 lease shorter than a busy moment
E004 journal folder not writable  W004 more calls at once than files may be open
                                  W005 own prices cannot be read, or are of an older release
                                  W006 a budget, and models that it cannot count
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from tasks.conf import Conf, get_conf
from tasks.providers.catalogue import PRICE_FILE_TROUBLE, load_catalogue, shipped_catalogue
from tasks.providers.price_file import own_price_file
from tasks.vocabulary import MockMode, Provider, Stage

TAG = "taskrunner"
_SHORT_LEASE_S = 3.0
_FILES_BESIDE_CALLS = 64


@register(TAG)
def check_providers(**_: Any) -> Iterator[CheckMessage]:
    conf = get_conf()
    if not conf.configured and conf.mock is MockMode.NEVER:
        yield Error(
            "No provider is configured and TASKRUNNER_MOCK=never: nobody can answer a task.",
            hint="Set a provider's key, for example DEEPSEEK_API_KEY, or TASKRUNNER_MOCK=auto.",
            id="tasks.E001",
        )
    if conf.default_provider and not _is_usable(Provider(conf.default_provider), conf):
        yield Error(
            f"TASKRUNNER_DEFAULT_PROVIDER={conf.default_provider}, but {conf.default_provider} "
            "is not configured.",
            hint=f"Set {_variable(conf)}, or name a provider that is configured.",
            id="tasks.E002",
        )


@register(TAG)
def check_times(**_: Any) -> Iterator[CheckMessage]:
    conf = get_conf()
    if conf.retry_cap_s < conf.retry_base_s:
        yield Error(
            f"TASKRUNNER_RETRY_CAP={conf.retry_cap_s:g} is below "
            f"TASKRUNNER_RETRY_BASE={conf.retry_base_s:g}.",
            hint="Raise the cap or lower the base: a pause grows from the base up to the cap.",
            id="tasks.E003",
        )
    if conf.lease_s < _SHORT_LEASE_S:
        yield Warning(
            f"TASKRUNNER_LEASE={conf.lease_s:g} is so short that a busy moment looks like a "
            "dead worker: calls may be made, and paid, twice.",
            hint="Use 10 seconds or more, unless this is a test.",
            id="tasks.W003",
        )


@register(TAG)
def check_journal(**_: Any) -> Iterator[CheckMessage]:
    folder = get_conf().journal_dir
    if not _can_write_below(folder):
        yield Error(
            f"The journal folder {folder} cannot be made or written.",
            hint="Let the user that runs the workers write it, or set TASKRUNNER_JOURNAL_DIR.",
            id="tasks.E004",
        )


@register(TAG)
def check_prices(**_: Any) -> Iterator[CheckMessage]:
    path, trouble = own_price_file.path, ""
    try:
        own = own_price_file.read()
    except PRICE_FILE_TROUBLE as error:
        trouble = f"cannot be read ({type(error).__name__}: {error})"
    else:
        if own and own.over != shipped_catalogue().as_of:
            trouble = f"was made for the prices of {own.over}, which a release has replaced"
    if trouble:
        yield Warning(
            f"The price file {path} {trouble}: the shipped prices count.",
            hint="Write it anew with manage.py update_prices, or delete it.",
            id="tasks.W005",
        )


@register(TAG)
def check_open_files(**_: Any) -> Iterator[CheckMessage]:
    needed = get_conf().slots_per_worker + _FILES_BESIDE_CALLS
    allowed, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and needed > allowed:
        yield Warning(
            f"A worker may hold {needed} files open at once, but only {allowed} are allowed.",
            hint=f"Raise the limit (ulimit -n {needed}) or lower TASKRUNNER_CONCURRENCY.",
            id="tasks.W004",
        )


@register(TAG)
def check_budget(**_: Any) -> Iterator[CheckMessage]:
    conf, catalogue = get_conf(), load_catalogue()
    if conf.daily_budget_usd is None:
        return
    for name in conf.configured:
        for model in conf.providers[name].extra_models:
            entry = catalogue.resolve(name, model)
            if name is not Provider.LOCAL and (entry is None or entry.price is None):
                yield Warning(
                    f"TASKRUNNER_DAILY_BUDGET_USD does not count calls of {name}'s {model}: "
                    "its price is not known.",
                    hint=f"Remove it from TASKRUNNER_MODELS_{name.upper()}, or cap it there.",
                    id="tasks.W006",
                )


@register(TAG)
def check_production(**_: Any) -> Iterator[CheckMessage]:
    if settings.ENVIRONMENT != Stage.PRODUCTION:
        return
    if "sqlite3" in str(settings.DATABASES["default"]["ENGINE"]):
        yield Warning(
            "SQLite in production: one machine, one writer at a time.",
            hint="Set DATABASE_URL=postgres://… to add machines and connections.",
            id="tasks.W001",
        )
    if get_conf().is_mock_standing_in:
        yield Warning(
            "In production, yet every answer comes from the mock.",
            hint="Set a provider's key, and TASKRUNNER_MOCK=never or fallback.",
            id="tasks.W002",
        )


def _is_usable(provider: Provider, conf: Conf) -> bool:
    if conf.is_mock_standing_in:
        return True
    if provider is Provider.MOCK:
        return conf.mock is MockMode.FALLBACK
    if provider is Provider.AUTO:
        return bool(conf.configured)
    return conf.providers[provider].is_configured


def _variable(conf: Conf) -> str:
    provider = Provider(conf.default_provider)
    if provider in conf.providers:
        return conf.providers[provider].variable
    return "TASKRUNNER_MOCK=always" if provider is Provider.MOCK else "a provider's key"


def _can_write_below(folder: Path) -> bool:
    """Whether the nearest part of the path that exists is a folder that can be written."""
    for part in (folder, *folder.parents):
        if part.exists():
            return part.is_dir() and os.access(part, os.W_OK | os.X_OK)
    return False
