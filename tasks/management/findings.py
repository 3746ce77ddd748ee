"""What `doctor` looks at, each look a function that yields findings; keys never appear in any."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import connection
from django.utils import timezone

from tasks.checks import TAG
from tasks.conf import ProviderConf, get_conf
from tasks.models import ProviderState, Task, Worker
from tasks.pending import pending_migrations
from tasks.providers.catalogue import load_catalogue
from tasks.querysets import database_now
from tasks.stats.lanes import refused_keys
from tasks.vocabulary import MockMode, Provider, Status

_CLOCK_TOLERANCE_S = 5.0
_PRICES_KEEP_DAYS = 90


class Mark(StrEnum):
    GOOD = "✓"
    WRONG = "✗"
    NOTE = "-"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `doctor`; `remedy` tells what to do about it."""

    mark: Mark
    text: str
    remedy: str = ""


def good(text: str) -> Finding:
    return Finding(mark=Mark.GOOD, text=text)


def note(text: str, remedy: str = "") -> Finding:
    return Finding(mark=Mark.NOTE, text=text, remedy=remedy)


def wrong(text: str, remedy: str) -> Finding:
    return Finding(mark=Mark.WRONG, text=text, remedy=remedy)


def look_at_settings() -> Iterator[Finding]:
    messages = checks.run_checks(tags=[TAG])
    for message in messages:
        judge = wrong if message.is_serious() else note
        yield judge(f"{message.id}: {message.msg}", str(message.hint or ""))
    if not messages:
        yield good(f"settings ({settings.ENVIRONMENT})")
    dotenv = settings.BASE_DIR / ".env"
    if dotenv.exists() and stat.S_IMODE(dotenv.stat().st_mode) & 0o077:
        yield wrong(".env can be read by other users", "chmod 600 .env")


def look_at_database() -> Iterator[Finding]:
    """Raises Django's database errors if it does not answer."""
    connection.ensure_connection()
    kind = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    version = ".".join(str(part) for part in connection.get_database_version()[:2])
    yield good(f"database: {kind} {version}, {settings.DATABASES['default']['NAME']}")
    if pending := pending_migrations():
        yield wrong(f"migrations: {pending} pending", "manage.py migrate")
    else:
        yield good("migrations: all applied")
    yield _clock()


def look_at_workers() -> Iterator[Finding]:
    since = database_now() - timedelta(seconds=get_conf().lease_s)
    alive = list(Worker.objects.filter(beat_at__gte=since))
    waiting = Task.objects.filter(status=Status.PENDING).count()
    if alive:
        slots, in_flight = sum(w.slots for w in alive), sum(w.in_flight for w in alive)
        yield good(f"workers: {len(alive)}, calls in flight {in_flight} of {slots}")
    else:
        yield wrong("workers: none is beating", "./run, or manage.py qcluster for workers alone")
    yield note(f"queue: {waiting} tasks pending")


def look_at_providers() -> Iterator[Finding]:
    conf = get_conf()
    for provider in conf.providers.values():
        yield _provider(provider)
    for name in conf.failover:
        if conf.configured and name not in conf.configured:
            yield note(f"failover: {name} is in TASKRUNNER_FAILOVER, but not configured")
    first = conf.configured[0].value if conf.configured else "mock"
    yield note(f"a submit without provider means {conf.default_provider or first}")
    yield note(f"mock: {_MOCK_WORDS[conf.mock]}")
    if conf.is_mock_standing_in:
        yield note("every answer comes from the mock", "set a key, for example DEEPSEEK_API_KEY")


def look_at_keys() -> Iterator[Finding]:
    """The keys that calls were refused with of late. Raises as `look_at_database`."""
    now = database_now()
    for state in ProviderState.objects.filter(name__in=get_conf().configured):
        variable = get_conf().providers[Provider(state.name)].variable
        for key, reason in refused_keys(state, now):
            said = f"{state.name}: {key} is set aside: {reason}"
            yield wrong(said, f"check its account, or replace it in {variable}")


def look_at_prices() -> Iterator[Finding]:
    as_of = load_catalogue().as_of
    days = (timezone.now().date() - as_of).days
    if days > _PRICES_KEEP_DAYS:
        remedy = "pip install -U genai-prices; manage.py update_prices"
        yield note(f"prices are of {as_of}, {days} days old: costs may be wrong", remedy)
    else:
        yield good(f"prices of {as_of}")


def look_at_journal() -> Iterator[Finding]:
    folder = get_conf().journal_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        yield wrong(f"journal folder {folder}: {error.strerror}", "make it writable")
    else:
        yield good(f"journal folder {folder}")


def look_at_mcp() -> Iterator[Finding]:
    name = get_conf().mcp_user
    if get_user_model().objects.filter(username=name, is_active=True).exists():
        yield good(f"MCP acts as {name}")
    else:
        yield wrong(
            f"MCP acts as {name}, who is no active user",
            f"manage.py createsuperuser --username {name}, or set TASKRUNNER_MCP_USER",
        )


_MOCK_WORDS = {
    MockMode.AUTO: "answers only while no provider is configured (auto)",
    MockMode.ALWAYS: "always answers",
    MockMode.NEVER: "never answers",
    MockMode.FALLBACK: "answers, flagged, when every provider is out (fallback)",
}


def _clock() -> Finding:
    difference_s = abs((database_now() - timezone.now()).total_seconds())
    text = f"clock: {difference_s:.1f} s from the database's"
    if difference_s > _CLOCK_TOLERANCE_S:
        return wrong(text, "synchronise this host's clock (NTP)")
    return good(text)


def _provider(provider: ProviderConf) -> Finding:
    if not provider.is_configured:
        return note(f"{provider.name}: not configured", f"set {provider.variable}")
    keys = f"{len(provider.api_keys)} key{'' if len(provider.api_keys) == 1 else 's'}"
    return good(f"{provider.name}: configured, {keys}, {provider.base_url or 'own address'}")
