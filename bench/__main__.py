"""The command line: measure, print one table, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.peers.environment import make_environment
from bench.plan import OWN_ROWS, PEER_ROWS, in_order
from bench.processes import busy_percent
from bench.report.page import write_page
from bench.report.results import Results, load
from bench.report.table import as_text, cells

Step = tuple[str, Callable[[], Iterable[Figure]]]


def main() -> int:
    """Exit 1 if a goal was missed, or a row could not be measured."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with the blocks
    effort = Effort.quick() if options.quick else Effort(runs=options.runs)
    results = load() if options.only and not options.quick else Results()
    began = monotonic()
    measured: list[Figure] = []
    is_complete = True
    for name, measure in _steps(options, effort):
        busy = busy_percent()
        _say(f"{name} … (others use {busy:.0f} % of the machine)")
        try:
            figures = list(_said(measure()))
        except (RuntimeError, TimeoutError) as failure:
            _say(f"  FAILED: {failure}")
            is_complete = False
            continue
        measured += figures
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        results.replace(name, figures, moment, effort.runs, busy)
        if not options.quick:
            results.save()
    if measured:
        print(as_text(cells(in_order(measured))))  # the figures of this run alone
    if measured and not options.quick:
        write_page(results)
        _say("docs/benchmarks.md is written")
    _say(f"This took {(monotonic() - began) / 60:.0f} minutes.")
    return 0 if is_complete and all(one.is_met is not False for one in measured) else 1


def _steps(options: argparse.Namespace, effort: Effort) -> Iterator[Step]:
    wanted = options.only or [*OWN_ROWS, *PEER_ROWS]
    for name, row in OWN_ROWS.items():
        for kind in options.database or Kind:
            if name in wanted:
                yield f"{name} {kind}", partial(row, kind, effort)
    if any(name in wanted for name in PEER_ROWS):
        make_environment()
    for name, peer_row in PEER_ROWS.items():
        if name in wanted:
            yield name, partial(peer_row, effort)


def _said(figures: Iterable[Figure]) -> Iterator[Figure]:
    for figure in figures:
        values = ", ".join(f"{value:.4g}" for value in figure.values)
        _say(f"  {figure.contestant}: {figure.measure}: {values} {figure.unit}  {figure.note}")
        yield figure


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each row; the median counts")
    parser.add_argument(
        "--quick", action="store_true", help="one run, small counts; writes no page"
    )
    parser.add_argument(
        "--only", action="append", choices=[*OWN_ROWS, *PEER_ROWS], metavar="ROW",
        help=f"may be repeated: {', '.join([*OWN_ROWS, *PEER_ROWS])}",
    )  # fmt: skip
    parser.add_argument("--database", action="append", type=_kind, metavar="sqlite|postgresql")
    return parser.parse_args(arguments)


def _kind(name: str) -> Kind:
    for kind in Kind:
        if kind.lower() == name.lower():
            return kind
    raise argparse.ArgumentTypeError(f"{name}: sqlite or postgresql")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
