"""A batch from a file: first every line is judged, then all become tasks, or none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.checks import TAG
from tasks.errors import ItemsRefused
from tasks.management.progress import progress_bar
from tasks.management.shell import find_user, plain_errors
from tasks.services.batches import create_batch
from tasks.services.jsonl import read_lines
from tasks.services.staging import Item


class Command(BaseCommand):
    help = "Submit a JSONL file as a batch: one JSON object with a submit's fields per line."
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.jsonl")
        parser.add_argument("--user", help="whose tasks they are (TASKRUNNER_MCP_USER, else admin)")
        parser.add_argument("--name", help="the batch's name (the name of the file)")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        with plain_errors():
            owner = find_user(options["user"])
            try:
                name = options["name"] or file.name[:200]
                batch = create_batch(owner, _items(file), options={"name": name}).batch
            except ItemsRefused as refusal:
                raise CommandError("\n".join(_told(refusal))) from refusal
            except OSError as error:
                raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        self.stdout.write(f"Imported {batch.total} tasks as batch {batch.pk}.")


def _items(file: Path) -> Iterator[Item]:
    with file.open("rb") as lines, progress_bar("Reading", file.stat().st_size) as advance:
        for line in read_lines(lines, advance):
            yield Item(place=f"line {line.number}", value=line.value, problem=line.problem)


def _told(refusal: ItemsRefused) -> Iterator[str]:
    for place, broken in refusal.problems.items():
        rules = "; ".join(f"{name}: {' '.join(rules)}" for name, rules in broken.items())
        yield f"{place} {rules.removeprefix(': ')}"
    if refusal.bad > len(refusal.problems):
        yield f"… and {refusal.bad - len(refusal.problems)} more"
    plural = "line is" if refusal.bad == 1 else "lines are"
    yield f"Nothing was imported: {refusal.bad} {plural} not usable."
