from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from tasks.pending import pending_migrations

pytestmark = pytest.mark.django_db


def planned() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def test_nothing_is_pending_after_migrate():
    assert pending_migrations() == planned() == 0


def test_what_django_would_apply_is_pending():
    recorder, graph = MigrationRecorder(connection), MigrationLoader(connection).graph
    (newest,) = graph.leaf_nodes("tasks")
    ours = [name for app, name in graph.forwards_plan(newest) if app == "tasks"]
    for name in ours[-2:]:
        recorder.record_unapplied("tasks", name)

    assert pending_migrations() == planned() == 2


def test_an_empty_database_lacks_them_all():
    MigrationRecorder.Migration.objects.all().delete()

    assert pending_migrations() == planned() > 30
