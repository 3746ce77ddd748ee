"""`python -m tests.faults`: every kind of kill, many times over, and the table of what came of it.

    python -m tests.faults --rounds 1
    DATABASE_URL=postgres://postgres@127.0.0.1:5432/test python -m tests.faults --write

Exit 1 if a task was lost, or was called more often than its attempts say.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from tests.faults.page import render, write
from tests.faults.soak import Soak
from tests.faults.strikes import KINDS


def main() -> int:
    options = _options()
    began = time.monotonic()
    with Soak.over(options.seed) as soak:
        for kind in _kinds(options, began):
            soak.strike(kind)
            sys.stderr.write(f"{time.monotonic() - began:5.0f} s  {kind}\n")
        tallies = soak.tallies()
    table = render(tallies, options.seed)
    sys.stdout.write(table)
    if options.write:
        write(table)
    return 0 if all(tally.is_clean for tally in tallies) else 1


def _kinds(options: argparse.Namespace, began: float) -> Iterator[str]:
    """Each kind in turn, until the rounds or the minutes are over."""
    number = 0
    while options.minutes is not None or number < options.rounds:
        for kind in KINDS:
            if options.minutes is not None and time.monotonic() - began > options.minutes * 60:
                return
            yield kind
        number += 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--rounds", type=int, default=20, help="strikes of each kind")
    length.add_argument("--minutes", type=float, help="begin no round after so long")
    parser.add_argument("--seed", type=int, default=1, help="chooses whom and when")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
