"""A fresh database, a cluster and a fake provider for one measurement; all gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Kind, fresh_database, work_folder
from bench.probe import Probe
from bench.processes import family_of
from bench.reader import Reader
from bench.server import ServerCpu
from tests.deployment import Deployment
from tests.fakes.process import FakeProviderProcess

SLOTS = 256
_START_S = 30
_STOP_S = 15


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`provider` is what `openai` means here; `main_pid` the cluster's main process."""

    deployment: Deployment
    provider: FakeProviderProcess
    reader: Reader
    main_pid: int

    @property
    def processes(self) -> list[int]:
        """Every process of the cluster: workers, and what starts and guards them."""
        return family_of(self.main_pid)

    @property
    def workers(self) -> list[int]:
        return [row[0] for row in self.reader.query("SELECT pid FROM tasks_worker")]

    def probe(self, name: str) -> Probe:
        """`bench/probes/NAME.py` beside this cluster, on its database."""
        return start_probe(self.deployment, name)

    def server_cpu(self) -> contextlib.AbstractContextManager[ServerCpu | None]:
        """What the database server uses meanwhile; None on SQLite, which has none."""
        url = self.deployment.database_url
        if not url.startswith("postgres"):
            return contextlib.nullcontext()
        return ServerCpu(url, but_not=self.reader.backend_pid)


@contextlib.contextmanager
def installation(kind: Kind, latency_s: float, **settings: str) -> Iterator[Installation]:
    """A cluster whose workers have made their first call; the default settings, but for these."""
    with (
        work_folder() as folder,
        FakeProviderProcess() as provider,
        deployment_on(kind, folder) as deployment,
        Reader(deployment.database_url) as reader,
    ):
        deployment.environment |= provider.environment("openai") | settings
        main = deployment.start("qcluster")
        running = Installation(
            deployment=deployment, provider=provider, reader=reader, main_pid=main.pid
        )
        try:
            _warm_up(running, main)
            provider.reset()
            provider.set_latency(latency_s)
            yield running
        finally:
            _stop(main)


@contextlib.contextmanager
def deployment_on(kind: Kind, folder: Path) -> Iterator[Deployment]:
    """A fresh database of that kind, and an environment for processes on it."""
    with fresh_database(kind) as url, Deployment.over(url, folder) as deployment:
        deployment.environment["LOG_LEVEL"] = "WARNING"
        yield deployment


def start_probe(deployment: Deployment, name: str) -> Probe:
    command = [sys.executable, "-m", f"bench.probes.{name}"]
    log = deployment.folder / f"probe-{name}-{os.urandom(3).hex()}.log"
    return Probe(command, deployment.environment, log)


def _warm_up(running: Installation, main: subprocess.Popen[str]) -> None:
    """All workers beat, and one task has gone all the way."""
    default = str(min(os.cpu_count() or 1, 4))
    wanted = int(running.deployment.environment.get("TASKRUNNER_WORKERS", default))
    try:
        running.reader.wait_for("SELECT count(*) FROM tasks_worker", wanted, _START_S)
        with running.probe("insert") as insert:
            insert.ask(count=1, model="gpt-6.1-terra")  # shares no answer with what is measured
            running.reader.wait_for_end(_START_S)
    except TimeoutError as error:
        raise RuntimeError(running.deployment.log(main)[-2000:]) from error


def _stop(main: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.kill(main.pid, signal.SIGTERM)
        main.wait(_STOP_S)
