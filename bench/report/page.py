"""docs/benchmarks.md, written from the results."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence

from bench.figure import Figure
from bench.peers.roster import PEERS
from bench.plan import in_order
from bench.probe import ROOT
from bench.report.machine import machine
from bench.report.method import METHOD
from bench.report.results import Results
from bench.report.revisions import revisions
from bench.report.table import as_markdown, cells
from bench.rows.claim import PLANS

PATH = ROOT / "docs" / "benchmarks.md"
_SEGMENT = "in it: "
_BUSY_PERCENT = 10.0


def write_page(results: Results) -> None:
    PATH.write_text("\n\n".join(_parts(results)) + "\n")


def _parts(results: Results) -> Iterator[str]:
    figures = in_order(results.figures)
    segments = [one for one in figures if one.measure.startswith(_SEGMENT)]
    main = [one for one in figures if one not in segments]
    yield "# Benchmarks"
    yield (
        "Written by `bench/run`, which measures all of this again. Each figure is the median of"
        f" {_counts(results)}; ✗ marks a goal that was missed. In brackets: how many times the"
        f" ideal. Measured {_dates(results)}. The goals are this benchmark's own, written beside"
        " each measurement in `bench/rows/`."
    )
    yield _company(results)
    yield revisions(min(results.dates.values()), max(results.dates.values()))
    yield as_markdown(cells(main))
    yield "\n".join(_notes(main))
    yield "## Where the milliseconds go"
    yield (
        "Tasks of the 500 × 1.0 s row, followed by the times in their rows and in the provider's"
        " log, in milliseconds. What is not here is the provider's own second, twice."
    )
    if segments:
        yield as_markdown(cells([_without_prefix(one) for one in segments]))
    yield "\n".join(_indexes())
    yield "## How it is measured"
    yield METHOD
    yield "Peers, each a small application under `bench/peers/`:"
    yield "\n".join(f"- **{peer.name}**: {peer.settings}." for peer in PEERS)
    yield "## Machine"
    yield "\n".join(f"- {name}: {value}" for name, value in machine().items())
    yield "## When"
    yield as_markdown([["row", "done at (UTC)", "runs", "others used, %"], *_when(results)])
    yield "## Every run"
    yield as_markdown([["measure", "contestant", "runs"], *(_all_runs(one) for one in main)])


def _counts(results: Results) -> str:
    counts = sorted(set(results.runs.values()))
    return f"{' or '.join(str(count) for count in counts)} runs"


def _when(results: Results) -> Iterator[list[str]]:
    for row, date in sorted(results.dates.items(), key=lambda item: item[1]):
        busy = f"{results.busy[row]:.0f}"
        yield [row, date[:19].replace("T", " "), str(results.runs[row]), busy]


def _company(results: Results) -> str:
    """Who else was at work: a figure from a busy machine is worse than the program's own."""
    shares = sorted(results.busy.values())
    told = f"{shares[0]:.0f} to {shares[-1]:.0f} %, median {statistics.median(shares):.0f} %"
    verdict = "it was **shared**" if shares[-1] > _BUSY_PERCENT else "it was quiet"
    return (
        "In the second before each row, other programs used this much of the machine:"
        f" {told}: {verdict}. What they did later is not known; ratios bear it better than times."
    )


def _dates(results: Results) -> str:
    days = sorted({date[:10] for date in results.dates.values()})
    return f"on {days[0]}" if len(days) == 1 else f"between {days[0]} and {days[-1]}"


def _notes(figures: Sequence[Figure]) -> Iterator[str]:
    for figure in figures:
        if figure.note:
            yield f"- {figure.measure}, {figure.contestant}: {figure.note}."


def _indexes() -> Iterator[str]:
    """The indexes by which a claim went behind a long history, by the databases' own plans."""
    for path in sorted(PLANS.glob("claim-*.txt")):
        text = path.read_text()
        used = re.findall(r"(?:Index (?:Only )?Scan using|USING (?:COVERING )?INDEX) (\w+)", text)
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(used))
        whole = sorted(set(re.findall(r"Seq Scan on (\w+)|SCAN (\w+)$", text, re.MULTILINE)))
        read = ", ".join(f"`{name}`" for pair in whole for name in pair if name)
        kind = path.stem.partition("-")[2]
        yield f"- A claim's plan on {kind}: {names}; read whole: {read or 'nothing'}."


def _without_prefix(figure: Figure) -> Figure:
    return Figure.from_json(figure.to_json() | {"measure": figure.measure.removeprefix(_SEGMENT)})


def _all_runs(figure: Figure) -> list[str]:
    values = ", ".join(f"{value:.4g}" for value in figure.values)
    return [figure.measure, figure.contestant, f"{values} {figure.unit}"]
