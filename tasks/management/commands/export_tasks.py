"""Tasks into a file: JSONL for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.checks import TAG
from tasks.management.columns import COLUMNS, as_cells, as_row
from tasks.management.progress import progress_bar
from tasks.management.shell import find_user, plain_errors
from tasks.querysets import TaskQuerySet
from tasks.services.selection import FILTER_NAMES, select_tasks

_ROWS_A_FETCH = 500


class Command(BaseCommand):
    help = (
        "Write tasks to FILE.jsonl or FILE.csv, oldest first. Filters are those of the REST list."
    )
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.jsonl|FILE.csv")
        parser.add_argument("--user", help="who exports: staff all tasks, others their own")
        for name in sorted(FILTER_NAMES):
            parser.add_argument(f"--{name.replace('_', '-')}", dest=f"filter_{name}", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if file.suffix not in (".jsonl", ".csv"):
            raise CommandError("The file's name must end in .jsonl or .csv.", returncode=2)
        with plain_errors():
            tasks = select_tasks(find_user(options["user"]), _criteria(options))
            try:
                total = _export(tasks, file)
            except OSError as error:
                raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        self.stdout.write(f"Exported {total} tasks to {file}.")


def _criteria(options: dict[str, Any]) -> dict[str, object]:
    given = {name: options[f"filter_{name}"] for name in FILTER_NAMES}
    return {name: values for name, values in given.items() if values}


def _export(tasks: TaskQuerySet, file: Path) -> int:
    """Beside the file first: a reader never meets half an export, nor loses the one before."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as out:
            total = _write(_rows(tasks), out, is_csv=file.suffix == ".csv")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return total


def _rows(tasks: TaskQuerySet) -> Iterator[dict[str, Any]]:
    # Counting costs a scan; only somebody who watches needs the total.
    total = tasks.count() if sys.stderr.isatty() else None
    ordered = tasks.order_by("id").select_related("owner", "template_version__template")
    with progress_bar("Exporting", total) as advance:
        for task in ordered.iterator(chunk_size=_ROWS_A_FETCH):
            yield as_row(task)
            advance(1)


def _write(rows: Iterator[dict[str, Any]], out: TextIO, *, is_csv: bool) -> int:
    total = 0
    table = csv.writer(out)
    if is_csv:
        table.writerow(COLUMNS)
    for row in rows:
        if is_csv:
            table.writerow(as_cells(row))
        else:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        total += 1
    return total
