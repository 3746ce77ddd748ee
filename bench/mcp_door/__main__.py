"""Measure the MCP door beside the bare server: `python -m bench.mcp_door [--calls N] [--write]`."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.databases import Kind, fresh_database, work_folder
from bench.mcp_door.page import write_table
from bench.mcp_door.wire import Door, HttpDoor, StdioDoor, call
from bench.processes import busy_percent, pss_mb
from bench.web import make_keys
from tests.deployment import ROOT, Deployment, wait_until

_BARE = [sys.executable, "-m", "bench.mcp_door.bare"]
_OURS = [sys.executable, "manage.py", "runmcp"]
_IMPORTS = "import mcp.server, django; django.setup()"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    what: str
    bare: float
    ours: float
    unit: str
    goal: str
    is_met: bool

    def __str__(self) -> str:
        times = f"{self.ours / self.bare:.2f} ×" if self.bare else ""
        figures = f"{self.bare:.2f} | {self.ours:.2f} | {times}"
        return f"| {self.what} | {figures} | {self.goal} | {'yes' if self.is_met else '**no**'} |"


def main() -> int:
    """Exit 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="in a round (200)")
    parser.add_argument("--rounds", type=int, default=7, help="of each, in turns (7)")
    parser.add_argument("--database", type=Kind, choices=list(Kind), default=Kind.SQLITE)
    parser.add_argument("--write", action="store_true", help="the table into docs/mcp.md too")
    options = parser.parse_args()
    with (
        work_folder() as folder,
        fresh_database(options.database) as url,
        Deployment.over(url, Path(folder)) as deployment,
    ):
        told = _setting(options)
        print(told)
        lines = []
        for line in _lines(deployment, options.calls, options.rounds):
            print(line, flush=True)
            lines.append(line)
    if options.write:
        write_table("\n".join([told, *map(str, lines)]))
    return 0 if all(line.is_met for line in lines) else 1


def _setting(options: argparse.Namespace) -> str:
    """What was measured, where and how often; and the head of the table."""
    calls = options.calls * options.rounds
    return (
        f"Medians of {calls} calls of each kind in {options.rounds} turns, of {options.rounds} "
        f"starts; {os.cpu_count()} cores, of which others used {busy_percent():.0f} %; "
        f"{options.database}; Python {platform.python_version()}; {datetime.now(UTC):%d %B %Y}.\n\n"
        "| | bare | this | ratio | goal | met |\n|---|---|---|---|---|---|"
    )


def _lines(deployment: Deployment, calls: int, rounds: int) -> Iterator[Line]:
    keys = make_keys(deployment, 1 + 6 * rounds * calls // 1000)
    deployment.manage("submit", "hello")
    ((task_id,),) = deployment.query("SELECT id FROM tasks_task")
    yield _cold_start(deployment, rounds)
    for name, open_pair in _pairs(deployment, keys):
        with open_pair() as (bare, ours):
            yield from _calls(name, bare, ours, task_id, calls, rounds)


def _calls(
    name: str, bare: Door, ours: Door, task_id: int, calls: int, rounds: int
) -> Iterator[Line]:
    status, create = {"task_id": task_id}, {"prompt": "hello"}
    base, looks, makes = [], [], []
    for _ in range(rounds):  # in turns, so that a busy minute falls on all
        base += _timed(bare, "get_task_status", status, calls)
        looks += _timed(ours, "get_task_status", status, calls)
        makes += _timed(ours, "create_task", create, calls)
    yield _ratio(f"`get_task_status` p50, {name}, ms", base, looks, 1.3)
    yield _ratio(f"`create_task` p50, {name}, ms", base, makes, 2.0)
    bare_mb, ours_mb = pss_mb([bare.process.pid]), pss_mb([ours.process.pid])
    yield Line(
        what=f"memory after {3 * rounds * calls} calls, {name}, MB", bare=bare_mb, ours=ours_mb,
        unit="MB", goal="≤ 110 MB", is_met=ours_mb <= 110,
    )  # fmt: skip


def _ratio(what: str, base: list[float], ours: list[float], most: float) -> Line:
    low, high = statistics.median(base), statistics.median(ours)
    return Line(
        what=what, bare=low, ours=high, unit="ms", goal=f"≤ {most} ×", is_met=high <= most * low
    )


def _timed(door: Door, tool: str, arguments: dict[str, Any], calls: int) -> list[float]:
    """Milliseconds; the first few calls warm up."""
    spent = []
    for _ in range(calls + 5):
        started = time.perf_counter()
        call(door, tool, arguments)
        spent.append((time.perf_counter() - started) * 1000)
    return spent[5:]


def _cold_start(deployment: Deployment, rounds: int) -> Line:
    """From nothing to the first answer, beside the imports that no server can do without."""
    bare, ours = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", _IMPORTS], env=deployment.environment, cwd=ROOT, check=True
        )
        bare.append(time.perf_counter() - started)
        door = StdioDoor(_OURS, deployment.environment, str(ROOT))
        ours.append(door.first_reply_s)
        door.process.kill()
        door.process.wait()
    low, high = statistics.median(bare), statistics.median(ours)
    return Line(
        what="cold start to the first answer, s", bare=low, ours=high, unit="s", goal="≤ 1.2 ×",
        is_met=high <= 1.2 * low,
    )  # fmt: skip


Pair = tuple[Door, Door]
OpenPair = Callable[[], contextlib.AbstractContextManager[Pair]]


def _pairs(deployment: Deployment, keys: Sequence[str]) -> Iterator[tuple[str, OpenPair]]:
    yield "stdio", lambda: _stdio_pair(deployment)
    yield "HTTP 2025-11-25", lambda: _http_pair(deployment, keys, modern=False)
    yield "HTTP 2026-07-28", lambda: _http_pair(deployment, keys, modern=True)


@contextlib.contextmanager
def _stdio_pair(deployment: Deployment) -> Iterator[Pair]:
    doors = [StdioDoor(command, deployment.environment, str(ROOT)) for command in (_BARE, _OURS)]
    try:
        yield doors[0], doors[1]
    finally:
        _end(doors)


@contextlib.contextmanager
def _http_pair(deployment: Deployment, keys: Sequence[str], *, modern: bool) -> Iterator[Pair]:
    doors: list[Door] = []
    try:
        for command, option in ((_BARE, ()), (_OURS, ("--transport", "http", "--port"))):
            port = _free_port()
            process = deployment.spawn([*command, *option, str(port)])
            wait_until(lambda port=port: _listens(port), 30, "the server listens")
            doors.append(HttpDoor(process, port, keys, modern=modern))
        yield doors[0], doors[1]
    finally:
        _end(doors)


def _end(doors: list[Any]) -> None:
    for door in doors:
        door.process.kill()
        door.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
