"""Results kept between runs: a row that is measured again replaces its figures only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.figure import Figure
from bench.probe import ROOT

PATH = ROOT / "bench" / "results" / "latest.json"


@dataclass(kw_only=True)
class Results:
    """`dates`: row → when it was measured; `runs`: row → how often; `busy`: row → percent of all
    cores that other programs used in the second before it."""

    figures: list[Figure] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)

    def replace(
        self, row: str, figures: Iterable[Figure], date: str, runs: int, busy: float
    ) -> None:
        fresh = list(figures)
        keys = {(figure.measure, figure.contestant) for figure in fresh}
        kept = [one for one in self.figures if (one.measure, one.contestant) not in keys]
        self.figures = kept + fresh
        self.dates[row], self.runs[row], self.busy[row] = date, runs, busy

    def save(self, path: Path = PATH) -> None:
        path.parent.mkdir(exist_ok=True)
        content = {
            "figures": [figure.to_json() for figure in self.figures],
            "dates": self.dates,
            "runs": self.runs,
            "busy": self.busy,
        }
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def load(path: Path = PATH) -> Results:
    """What was kept; nothing if this is the first time."""
    if not path.exists():
        return Results()
    content = json.loads(path.read_text())
    figures = [Figure.from_json(row) for row in content["figures"]]
    return Results(
        figures=figures, dates=content["dates"], runs=content["runs"], busy=content["busy"]
    )
