"""django-q2's command, kept: it adds this machine's workers to the queue."""

from __future__ import annotations

import gc
import sys
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from tasks.checks import TAG
from tasks.conf import get_conf
from tasks.engine.broker import RunnerCluster
from tasks.engine.lifeline import hold_lifeline
from tasks.pending import pending_migrations

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Start this machine's workers; run it on as many machines as you like."
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-n", "--name", default="", help="Ignored: there is one queue.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 after an orderly stop, 1 if it cannot start or has lost its sentinel."""
        _require_ready_database()
        conf = get_conf()
        log.info("cluster starting", workers=conf.workers, slots=conf.concurrency)
        gc.collect()
        gc.freeze()  # else the forks' collectors write to, and so copy, the pages that all share
        was_told_to_stop = RunnerCluster(hold_lifeline()).run()
        if not was_told_to_stop:
            log.critical("the cluster's sentinel died; leaving, its workers follow")
            sys.exit(1)
        log.info("cluster stopped")


def _require_ready_database() -> None:
    """Raises CommandError with the way out: workers on an old schema would break rows."""
    try:
        is_behind = pending_migrations() > 0
    except DatabaseError as error:
        first_line = str(error).strip().splitlines()[0]
        raise CommandError(f"The database does not answer: {first_line}") from error
    finally:
        connection.close()  # nothing open may be inherited by the forks
    if is_behind:
        raise CommandError("Migrations are pending. Run `manage.py migrate` first.")
