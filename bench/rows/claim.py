"""The claim behind a long history: does it cost more than on a table with nothing else in it?"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from pathlib import Path

from bench.databases import Kind, work_folder
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import deployment_on, start_probe
from bench.probe import ROOT, Probe

_GOAL_RATIO = 1.3
_FILL_TIMEOUT_S = 900
PLANS = ROOT / "bench" / "results"


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Ratio of the medians. Rounds alternate: both tables meet the same noise."""
    with (
        _table(kind, finished=0, waiting=0, due=effort.due) as bare,
        _table(kind, finished=effort.finished, waiting=effort.waiting, due=effort.due) as full,
    ):
        for probe in (bare, full):
            probe.ask(claims=2)  # connections, statements, pages
        bare_ms, full_ms = [], []
        for _ in range(effort.runs):
            bare_ms.append(statistics.median(bare.ask(claims=effort.claims_a_run)))
            full_ms.append(statistics.median(full.ask(claims=effort.claims_a_run)))
        _keep_plans(PLANS / f"claim-{kind.lower()}.txt", full.ask(explain=True))
    history = f"{effort.finished:,} finished, {effort.waiting:,} waiting"
    yield Figure(
        measure="claim of 128 behind history", contestant=kind, unit="×", goal=_GOAL_RATIO, ideal=1,
        values=tuple(full / bare for full, bare in zip(full_ms, bare_ms, strict=True)),
        note=f"{statistics.median(full_ms):.1f} ms against {statistics.median(bare_ms):.1f} ms, "
        f"behind {history}",
    )  # fmt: skip


@contextlib.contextmanager
def _table(kind: Kind, *, finished: int, waiting: int, due: int) -> Iterator[Probe]:
    """A probe that claims from a database with these rows; no cluster beside it."""
    with work_folder() as folder, deployment_on(kind, folder) as deployment:
        deployment.environment |= {"OPENAI_API_KEY": "none"}
        with start_probe(deployment, "fill") as fill:
            fill.ask(_FILL_TIMEOUT_S, finished=finished, waiting=waiting, due=due)
        with start_probe(deployment, "claim") as probe:
            yield probe


def _keep_plans(path: Path, plans: list[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(plans))
