"""Many submits from a file: first every line is judged, then all become tasks, or none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.checks import TAG
from tasks.errors import InvalidInput
from tasks.management.jsonl import Line, read_lines
from tasks.management.progress import progress_bar
from tasks.management.shell import find_user, plain_errors
from tasks.services.submit_all import check_submit, submit_all

_MOST_PROBLEMS_TOLD = 100


class Command(BaseCommand):
    help = "Submit the tasks of a JSONL file: one JSON object with a submit's fields per line."
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.jsonl")
        parser.add_argument("--user", help="whose tasks they are (TASKRUNNER_MCP_USER, else admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        with plain_errors():
            owner = find_user(options["user"])
            try:
                self._refuse_bad_lines(file, owner)
                values = (line.value for line in _lines(file, "Importing"))
                total = submit_all(owner, values)
            except OSError as error:
                raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        self.stdout.write(f"Imported {total} tasks.")

    def _refuse_bad_lines(self, file: Path, owner: AbstractBaseUser) -> None:
        problems, total = [], 0
        for line in _lines(file, "Checking"):
            if problem := line.problem or _problem_of(owner, line.value):
                total += 1
                problems.append(f"line {line.number} {problem}")
                del problems[_MOST_PROBLEMS_TOLD:]
        if total:
            if total > len(problems):
                problems.append(f"… and {total - len(problems)} more")
            plural = "line is" if total == 1 else "lines are"
            summary = f"Nothing was imported: {total} {plural} not usable."
            raise CommandError("\n".join([*problems, summary]))


def _lines(file: Path, title: str) -> Iterator[Line]:
    with file.open("rb") as lines, progress_bar(title, file.stat().st_size) as advance:
        yield from read_lines(lines, advance)


def _problem_of(owner: AbstractBaseUser, value: object) -> str:
    try:
        check_submit(owner, value)
    except InvalidInput as error:
        return "; ".join(f"{name}: {' '.join(rules)}" for name, rules in error.fields.items())
    return ""
