"""What the commands share: who acts, and how a refusal looks in a shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError

from tasks.conf import get_conf
from tasks.errors import DomainError, InvalidInput
from tasks.models import Worker
from tasks.querysets import database_now


def find_user(name: str | None) -> Any:
    """The active user of that name; None means the one that MCP acts as.

    Raises:
        CommandError: there is none, with the command that makes one.
    """
    name = name or get_conf().mcp_user
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(
            f"There is no active user {name!r}. Make one: manage.py createsuperuser "
            f"--username {name}"
        )
    return user


def is_anyone_working() -> bool:
    """Whether any worker, on any machine, was heard of within a lease."""
    since = database_now() - timedelta(seconds=get_conf().lease_s)
    return Worker.objects.filter(beat_at__gte=since).exists()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Domain errors and a database that is away become lines on stderr, exit 1."""
    try:
        yield
    except InvalidInput as error:
        lines = [f"{field}: {' '.join(rules)}" for field, rules in error.fields.items()]
        raise CommandError("\n".join(lines)) from error
    except DomainError as error:
        raise CommandError(error.message) from error
    except (OperationalError, InterfaceError) as error:
        raise CommandError(f"The database does not answer: {first_line(error)}") from error


def first_line(error: DatabaseError | InterfaceError) -> str:
    return str(error).strip().partition("\n")[0]
