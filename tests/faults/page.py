"""The soak's table, and its place on the page about reliability."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.faults.strikes import LEASE_S
from tests.faults.tally import Tally

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = (
    "| struck | rounds | tasks | lost | calls | duplicate calls | over the bound "
    "| worst recovery |",
    "|---|--:|--:|--:|--:|--:|--:|--:|",
)


def render(tallies: Sequence[Tally], seed: int) -> str:
    """A Markdown table; before it, when and on what it was measured."""
    lines = [
        f"{measured_on()}, leases of {LEASE_S:g} s, seed {seed}:",
        "",
        *_HEAD,
    ]
    lines += [
        f"| {t.kind} | {t.rounds} | {t.tasks} | {t.lost} | {t.calls} | {t.duplicates} "
        f"| {t.over_bound} | {t.worst_s:.1f} s |"
        for t in tallies
    ]
    return "\n".join(lines) + "\n"


def measured_on() -> str:
    """The database, the day, the machine, how busy it was, and the Python of this run."""
    return (
        f"{_version()}, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), "
        f"load average {os.getloadavg()[2]:.0f}, Python {platform.python_version()}"
    )


def write(table: str, subject: str = "") -> None:
    """Put the table between the page's markers for this subject on this database.

    Raises: ValueError if the page has no such markers.
    """
    mark = f"{subject} {_database()}".strip()
    begin, end = (f"<!-- {word} {mark} -->\n" for word in ("begin", "end"))
    page = PAGE.read_text()
    if begin not in page or end not in page:
        raise ValueError(f"{PAGE} lacks its markers for {mark}")
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}{table}{end}{tail}")


def _database() -> str:
    is_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    return "PostgreSQL" if is_postgres else "SQLite"


def _version() -> str:
    if _database() == "SQLite":
        return f"SQLite {sqlite3.sqlite_version}"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"


def _processor() -> str:
    """Its name as Linux has it, else the kind of machine."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
