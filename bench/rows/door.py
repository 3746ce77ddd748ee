"""What a call of the API costs beside DRF's smallest view, and how it bears many clients."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.databases import Kind, work_folder
from bench.effort import Effort
from bench.figure import Figure, percentile
from bench.installation import deployment_on
from bench.load import Load, drive, request
from bench.web import Web, make_keys, start_minimal, start_web

_SUBMIT_GOAL, _DETAIL_GOAL = 0.7, 0.8
_CLIENTS, _MANY = 8, 64
_BODY = json.dumps({"prompt": "Summarise this in one sentence: ".ljust(240, "x")}).encode()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The API and the smallest view, one after the other, in the same run."""

    ours: Load
    least: Load

    @property
    def ratio(self) -> float:
        return self.ours.rate / self.least.rate


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that is measured of one pair of servers on one fresh database."""

    submit: Pair
    detail: Pair
    crowd: Load


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Each client keeps its connection and asks again at once; nothing else is at work."""
    runs = [_run(kind, effort.door_s) for _ in range(effort.runs)]
    yield from _compared("single submits", _SUBMIT_GOAL, kind, [run.submit for run in runs])
    yield from _compared("GET detail", _DETAIL_GOAL, kind, [run.detail for run in runs])
    crowd = [run.crowd for run in runs]
    for share in (0.5, 0.99):
        yield Figure(
            measure=f"submit by {_MANY} clients p{share * 100:.0f}", contestant=kind, unit="ms",
            values=tuple(percentile(load.latencies_ms, share) for load in crowd),
            note=f"{min(load.rate for load in crowd):,.0f} to "
            f"{max(load.rate for load in crowd):,.0f} a second, one web process",
        )  # fmt: skip


def _compared(what: str, goal: float, kind: Kind, pairs: list[Pair]) -> Iterator[Figure]:
    least = ", ".join(f"{pair.least.rate:,.0f}" for pair in pairs)
    yield Figure(
        measure=what, contestant=kind, unit="/s", is_rate=True,
        values=tuple(pair.ours.rate for pair in pairs),
        note=f"{_CLIENTS} clients; the smallest view: {least}",
    )  # fmt: skip
    yield Figure(
        measure=f"{what} beside the smallest view", contestant=kind, unit="×", is_rate=True,
        goal=goal, values=tuple(pair.ratio for pair in pairs),
    )  # fmt: skip


def _run(kind: Kind, seconds: float) -> Run:
    with work_folder() as folder, deployment_on(kind, folder) as deployment:
        keys = make_keys(deployment, _MANY)
        ours, least = start_web(deployment), start_minimal(deployment)

        def submit(number: int) -> Iterator[bytes]:
            return itertools.repeat(request("POST", "/api/tasks/", keys[number], _BODY))

        def detail(number: int) -> Iterator[bytes]:
            return itertools.repeat(request("GET", f"/api/tasks/{number + 1}/", keys[number]))

        return Run(
            submit=_pair(ours, submit, least, request("POST", "/notes/", body=_BODY), b"201",
                         seconds),
            detail=_pair(ours, detail, least, request("GET", "/notes/1/"), b"200", seconds),
            crowd=drive(ours.port, _MANY, seconds, submit, b"201"),
        )  # fmt: skip


def _pair(
    ours: Web,
    asks: Callable[[int], Iterator[bytes]],
    least: Web,
    ask: bytes,
    wanted: bytes,
    seconds: float,
) -> Pair:
    for warm_up in (True, False):
        span = 1.0 if warm_up else seconds
        theirs = drive(least.port, _CLIENTS, span, lambda _: itertools.repeat(ask), wanted)
        own = drive(ours.port, _CLIENTS, span, asks, wanted)
    return Pair(ours=own, least=theirs)
