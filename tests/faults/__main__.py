"""`python -m tests.faults`: the kill rows many times over, and the table of what came of it.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/test python -m tests.faults --rounds 20 --write

Exit 1 if a task was lost, or was called more often than its attempts say.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.soak import KINDS, Soak, Tally

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def main() -> int:
    options = _options()
    tallies = {kind: Tally(kind=kind) for kind in KINDS}
    deadline = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    with Soak.over(options.seed) as soak:
        for number in range(options.rounds):
            for kind, tally in tallies.items():
                if time.monotonic() < deadline:
                    soak.run(kind, tally)
            sys.stderr.write(f"round {number + 1} of {options.rounds}\n")
    table = render(list(tallies.values()))
    sys.stdout.write(table)
    if options.write:
        write(table)
    return 0 if all(tally.is_clean for tally in tallies.values()) else 1


def database() -> str:
    is_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    return "PostgreSQL" if is_postgres else "SQLite"


def render(tallies: list[Tally]) -> str:
    """A Markdown table with a line about the run before it."""
    total = Tally(
        kind="**all**",
        rounds=sum(t.rounds for t in tallies),
        tasks=sum(t.tasks for t in tallies),
        lost=sum(t.lost for t in tallies),
        calls=sum(t.calls for t in tallies),
        over_bound=sum(t.over_bound for t in tallies),
        worst_s=max(t.worst_s for t in tallies),
    )
    lines = [
        f"{database()}, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, leases of 2 s:",
        "",
        "| killed | rounds | tasks | lost | duplicate calls | over the bound | worst recovery |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {t.kind} | {t.rounds} | {t.tasks} | {t.lost} | {t.duplicates} | {t.over_bound} "
        f"| {t.worst_s:.1f} s |"
        for t in [*tallies, total]
    ]
    return "\n".join(lines) + "\n"


def write(table: str) -> None:
    """Put the table between the page's markers for this database."""
    begin, end = (f"<!-- {word} {database()} -->" for word in ("begin", "end"))
    page = PAGE.read_text()
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}\n{table}{end}{tail}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="kills of each kind")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long")
    parser.add_argument("--seed", type=int, default=1, help="chooses whom and when")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
