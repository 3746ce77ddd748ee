"""What must be right before the server starts; each fault is one line with the way out."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.core.checks import ERROR, run_checks
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, connection

from tasks.checks import TAG
from tasks.management.shell import find_user, first_line
from tasks.pending import pending_migrations


def check_settings() -> None:
    """Raises CommandError if a system check of the project finds an error."""
    errors = [m for m in run_checks(tags=[TAG]) if m.level >= ERROR]
    if errors:
        raise CommandError(" ".join(f"{m.msg} {m.hint or ''}".strip() for m in errors))


def check_database() -> None:
    """Raises CommandError if the database is away or its tables are behind the code."""
    try:
        is_behind = pending_migrations() > 0
    except (DatabaseError, InterfaceError) as fault:
        raise CommandError(f"The database does not answer: {first_line(fault)}") from fault
    finally:
        connection.close()
    if is_behind:
        raise CommandError("Migrations are pending. Run `manage.py migrate` first.")


def require_user(name: str | None) -> AbstractBaseUser:
    """The user that stdio acts as. Raises CommandError if there is none."""
    try:
        user: AbstractBaseUser = find_user(name)
    except (DatabaseError, InterfaceError) as fault:
        raise CommandError(f"The database does not answer: {first_line(fault)}") from fault
    finally:
        connection.close()
    return user
