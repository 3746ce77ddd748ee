"""A batch of JSON lines through the web process: how fast, and at what memory."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Kind, work_folder
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import deployment_on
from tests.deployment import Deployment, wait_until

_GOAL_A_SECOND = 5_000
_GOAL_MB = 16.0
_WARM_UP = 200


@dataclass(frozen=True, kw_only=True)
class Upload:
    """Lines a second from the first byte sent to the answer; what the web process's highest
    memory rose by, beyond that of a small batch."""

    rate: float
    more_mb: float


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Each line has a custom id, a tag, metadata and a prompt of 240 characters."""
    runs = [_run(kind, effort.batch_lines) for _ in range(effort.runs)]
    yield Figure(
        measure="batch of 50,000 lines", contestant=kind, unit="/s", is_rate=True,
        goal=_GOAL_A_SECOND, values=tuple(run.rate for run in runs),
        note=f"{effort.batch_lines:,} lines over HTTP, judged and committed",
    )  # fmt: skip
    yield Figure(
        measure="memory for that batch", contestant=kind, unit="MB", goal=_GOAL_MB,
        values=tuple(run.more_mb for run in runs),
        note="on top of what a batch of 200 lines needs",
    )  # fmt: skip


def _run(kind: Kind, count: int) -> Upload:
    with work_folder() as folder, deployment_on(kind, folder) as deployment:
        made = deployment.manage("create_api_key", "admin", "--name", "bench", "--scope", "write")
        port, pid = _start_web(deployment)
        _send(port, made.stdout.strip(), _write_lines(folder, _WARM_UP), _WARM_UP)
        before_mb = _highest_mb(pid)
        lines = _write_lines(folder, count)
        seconds = _send(port, made.stdout.strip(), lines, count)
        return Upload(rate=count / seconds, more_mb=_highest_mb(pid) - before_mb)


def _start_web(deployment: Deployment) -> tuple[int, int]:
    """Port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "taskrunner.asgi:application", "--port", str(port)]
    process = deployment.spawn([*command, "--no-access-log"])
    wait_until(lambda: _is_open(port), 30, "uvicorn listens")
    return port, process.pid


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _write_lines(folder: Path, count: int) -> Path:
    path = folder / "lines.jsonl"
    with path.open("w") as file:
        for number in range(count):
            order = {
                "custom_id": f"request-{number}",
                "prompt": f"Summarise article {number}: ".ljust(240, "x"),
                "priority": 1 + number % 10,
                "tags": ["news"],
                "metadata": {"number": number},
            }
            file.write(json.dumps(order) + "\n")
    return path


def _send(port: int, key: str, path: Path, count: int) -> float:
    """Seconds until the answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson",
               "Content-Length": str(path.stat().st_size)}  # fmt: skip
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, 300)) as connection:
        with path.open("rb") as body:
            started = time.monotonic()
            connection.request("POST", "/api/batches/", body, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        seconds = time.monotonic() - started
    if answer.status != 201 or told["counts"]["PENDING"] != count:
        raise RuntimeError(f"{answer.status}: {told}")
    return seconds


def _highest_mb(pid: int) -> float:
    """The most resident memory that the process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no memory of process {pid}")
