"""What must be there before anything runs: settings that hold, migrations, an `admin` user."""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from taskrunner.supervisor.dotenv import ensure_secret_key
from taskrunner.supervisor.refusal import StartRefused
from tasks.pending import pending_migrations

ROOT = Path(__file__).resolve().parent.parent.parent
_ADVISORY_LOCK = 7_281_990  # any number, the same on every machine of one database


def load_project() -> None:
    """Django, ready. Raises StartRefused for settings that make no sense."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskrunner.settings")
    try:
        if ensure_secret_key(ROOT / ".env", os.environ):
            say("Wrote a generated SECRET_KEY to .env.")
        django.setup()
    except ImproperlyConfigured as refusal:
        raise StartRefused(f"Configuration error: {refusal}") from refusal
    except OSError as error:
        raise StartRefused(f"{error.filename} cannot be used: {error.strerror}.") from error


def require_sound_settings() -> None:
    """The project's own system checks: errors refuse the start, warnings are told."""
    found = checks.run_checks(tags=["taskrunner"])
    for message in found:
        say(str(message))
    if any(message.is_serious() for message in found):
        raise StartRefused("Nothing was started: correct the errors above first.")


def prepare_database() -> str | None:
    """Migrations applied and an `admin` there; its password if it was made just now, else None.

    Raises Django's database errors.
    """
    if not pending_migrations() and _has_admin():
        return None
    with _only_one_prepares():
        if pending_migrations():
            say("Applying migrations …")
            call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        return None if _has_admin() else _create_admin()


def say(line: str) -> None:
    """Setup speaks on stderr: a command's stdout is its own."""
    sys.stderr.write(line + "\n")


def _has_admin() -> bool:
    return get_user_model().objects.filter(username="admin").exists()


def _create_admin() -> str:
    password = secrets.token_urlsafe(12)
    get_user_model().objects.create_superuser("admin", password=password)
    return password


@contextmanager
def _only_one_prepares() -> Iterator[None]:
    """Two starts at once, here or on two machines with one database: the second finds it done."""
    folder = settings.BASE_DIR / "var"
    folder.mkdir(exist_ok=True)
    with (folder / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
