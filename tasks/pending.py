"""Whether the database's tables are as the code wants them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def pending_migrations() -> int:
    """How many migrations are not applied.

    By their names alone: Django's own plan loads each of them, which a worker would go on holding,
    1.5 MB in all, and a health check would pay for every time.

    Raises: DatabaseError if the database does not answer.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    return sum(migration not in applied for migration in _migrations())


def _migrations() -> Iterator[tuple[str, str]]:
    """(app, name) of each; what is one for Django's loader, is one here."""
    for app in apps.get_app_configs():
        package, _ = MigrationLoader.migrations_module(app.label)
        spec = find_spec(package) if package else None
        for module in iter_modules((spec and spec.submodule_search_locations) or []):
            if not module.ispkg and module.name[0] not in "_~":
                yield app.label, module.name
