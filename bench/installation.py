"""A fresh database, a cluster and a fake provider for one measurement; all gone afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployment import Deployment, template_database, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import family_of

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(kw_only=True)
class Cost:
    """What a run took: seconds on the wall, CPU seconds of the cluster, PSS in MB at its fullest."""

    wall_s: float
    cpu_s: float
    pss_mb: float


@contextlib.contextmanager
def installation(**environment: str) -> Iterator[tuple[Deployment, FakeProviderProcess]]:
    """A database as DATABASE_URL says (default SQLite) and `openai` at a fake provider."""
    with (
        TemporaryDirectory(prefix="taskrunner-bench-") as folder,
        FakeProviderProcess() as provider,
        Deployment.create(Path(folder), template_database()) as deployment,
    ):
        deployment.environment |= provider.environment("openai") | environment
        deployment.environment.setdefault("LOG_LEVEL", "WARNING")
        yield deployment, provider


def start_cluster(deployment: Deployment) -> int:
    """The main process of a cluster whose drains all beat."""
    process = deployment.start("qcluster")
    wanted = int(deployment.environment.get("TASKRUNNER_WORKERS", min(os.cpu_count() or 1, 4)))
    wait_until(
        lambda: deployment.query("SELECT count(*) FROM tasks_worker") == [(wanted,)], 30, "drains"
    )
    return process.pid


def stop_cluster(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").read_bytes(), 15, "cluster stopped")


def insert_tasks(deployment: Deployment, count: int, **fields: object) -> None:
    """`count` due tasks in one transaction with its hint, as a batch submit would."""
    values = {"provider": "openai", "model": "gpt-6-luna", "max_attempts": 5} | fields
    program = (
        "from tasks.models import Task\n"
        "from tasks.engine.wakeup import hint\n"
        "from django.db import transaction\n"
        f"values = {json.dumps(values)}\n"
        "with transaction.atomic():\n"
        f"    Task.objects.bulk_create((Task(owner_id=1, prompt=f'prompt {{n}}', **values)"
        f" for n in range({count})), batch_size=500)\n"
        "    hint()\n"
    )
    done = deployment.manage("shell", "-c", program)
    if done.returncode:
        raise RuntimeError(done.stderr)


def run_tasks(deployment: Deployment, main_pid: int, count: int, **fields: object) -> Cost:
    """From the commit of `count` tasks to the last one's terminal row, by the database's clock."""
    cpu_before = cpu_s(family_of(main_pid))
    insert_tasks(deployment, count, **fields)
    pss = 0.0
    deadline = time.monotonic() + 600
    while (left := deployment.query("SELECT count(*) FROM tasks_task WHERE finished_at IS NULL"))[
        0
    ][0]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left} tasks left")
        pss = max(pss, pss_mb(family_of(main_pid)))
        time.sleep(0.1)
    return Cost(
        wall_s=span_s(deployment),
        cpu_s=cpu_s(family_of(main_pid)) - cpu_before,
        pss_mb=pss,
    )


def span_s(deployment: Deployment) -> float:
    """Seconds from the first claim to the last end."""
    first, last = deployment.query("SELECT min(started_at), max(finished_at) FROM tasks_task")[0]
    if isinstance(first, str):
        from datetime import datetime

        first, last = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return float((last - first).total_seconds())


def cpu_s(pids: list[int]) -> float:
    """User and system seconds so far of living processes and their reaped children."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) * TICK_S
    return total


def pss_mb(pids: list[int]) -> float:
    """Proportional set size: shared pages are counted once over all."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def repeat(measure: Callable[[], Cost], times: int) -> list[Cost]:
    """`times` measurements, each said on stderr as it comes."""
    costs = []
    for number in range(times):
        costs.append(measure())
        sys.stderr.write(f"  {number + 1}/{times}: {costs[-1]}\n")
    return costs
