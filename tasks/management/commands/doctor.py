"""What is configured, reachable and wrong, line by line, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError

from tasks.management import findings
from tasks.management.calling import call_providers
from tasks.management.findings import Finding, Mark
from tasks.management.shell import first_line

Look = Callable[[], Iterator[Finding]]


class Command(BaseCommand):
    help = "Tell what is configured, reachable and wrong. Exit 1 if anything is wrong."
    requires_system_checks: list[str] = []  # they are part of what it tells

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--call", action="store_true", help="make one small real call per configured provider"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        total = self._tell(findings.look_at_settings())
        total += self._tell_of_database()
        total += self._tell(findings.look_at_providers())
        if options["call"]:
            total += self._tell(call_providers())
        total += self._tell(findings.look_at_prices())
        total += self._tell(findings.look_at_journal())
        if total:
            self.stdout.write(f"\n{total} wrong.")
            sys.exit(1)
        self.stdout.write("\nAll is well.")

    def _tell_of_database(self) -> int:
        looks: list[Look] = [
            findings.look_at_database, findings.look_at_workers, findings.look_at_keys,
            findings.look_at_mcp,
        ]  # fmt: skip
        try:
            return sum(self._tell(look()) for look in looks)
        except (DatabaseError, InterfaceError) as error:
            # Without tables, the pending migrations were told already; else this is the news.
            remedy = "check DATABASE_URL, and that it runs; then manage.py migrate"
            return self._tell(iter([findings.wrong(f"database: {first_line(error)}", remedy)]))

    def _tell(self, found: Iterator[Finding]) -> int:
        """Print each as it is found; how many are wrong."""
        total = 0
        for finding in found:
            remedy = f"  → {finding.remedy}" if finding.remedy else ""
            self.stdout.write(f"{finding.mark} {finding.text}{remedy}")
            total += finding.mark is Mark.WRONG
        return total
