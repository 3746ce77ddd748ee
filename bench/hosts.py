"""`python -m bench.hosts`: several hosts on one PostgreSQL, and what each costs the server.

Hosts are network namespaces, so only root can run it. Prints the tables of docs/scaling.md:
throughput over 1, 2 and 3 hosts, and the server's CPU for a task, an idle worker and a hint.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import work_folder
from bench.installation import start_probe
from bench.probe import Probe
from bench.reader import Reader
from bench.server import ServerCpu
from tests.deployment import Deployment, prepare_database
from tests.fakes.process import FakeProviderProcess
from tests.faults.network import Network
from tests.faults.private_postgres import PrivatePostgres

RUNS = 3
SLOTS_A_HOST = 64
CALLS_A_HOST = 320
LATENCY_S = 1.0
IDLE_WORKERS = (1, 4, 8, 16, 32)
_HINTS = 100
_WATCH_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """PostgreSQL and the provider, each at its end of the cables."""

    network: Network
    deployment: Deployment
    reader: Reader

    def start_host(self, name: str, workers: int) -> None:
        """Return once all of its workers beat."""
        host = self.network.add_host(name)
        command = host.wrap(sys.executable, "manage.py", "qcluster")
        before = self._workers()
        self.deployment.spawn(
            command,
            TASKRUNNER_JOURNAL_DIR=str(host.folder / "journal"),
            TASKRUNNER_WORKERS=str(workers),
        )
        count = "SELECT count(*) FROM tasks_worker"
        self.reader.wait_for(count, before + workers, 60)

    def server_cpu(self) -> ServerCpu:
        return ServerCpu(self.deployment.database_url, but_not=self.reader.backend_pid)

    def _workers(self) -> int:
        return int(self.reader.query("SELECT count(*) FROM tasks_worker")[0][0])


@contextlib.contextmanager
def site() -> Iterator[Site]:
    with (
        work_folder() as folder,
        Network.laid(folder) as network,
        FakeProviderProcess(host=network.address("provider"), latency_s=LATENCY_S) as provider,
        PrivatePostgres.running(network.address("database")) as server,
    ):
        prepare_database(server.url)
        with (
            Deployment.over(server.url, folder) as deployment,
            Reader(server.url) as reader,
        ):
            deployment.environment |= provider.environment("openai") | {
                "TASKRUNNER_CONCURRENCY": str(SLOTS_A_HOST),
                "LOG_LEVEL": "WARNING",
            }
            yield Site(network=network, deployment=deployment, reader=reader)


def throughput(hosts: int) -> tuple[float, float]:
    """Calls a second over all hosts, and the server's CPU milliseconds for each."""
    with site() as there, start_probe(there.deployment, "insert") as insert:
        for number in range(hosts):
            there.start_host(f"host-{number}", workers=1)
        calls = CALLS_A_HOST * hosts
        with there.server_cpu() as server:
            told = insert.ask(count=calls, chunk=calls)
            ended_at = there.reader.wait_for_end()
        shares = there.reader.query("SELECT count(*) FROM tasks_attempt GROUP BY worker")
        if len(shares) != hosts or sum(share[0] for share in shares) != calls:
            raise RuntimeError(f"{calls} tasks were called {shares} times")
        return calls / (ended_at - told["visible_at"]), server.spent_s / calls * 1000


def idle_cost(workers: int) -> tuple[float, float]:
    """The server's CPU: milliseconds a second with so many idle workers, and for one submit."""
    with site() as there, start_probe(there.deployment, "insert") as insert:
        there.start_host("host", workers=workers)
        time.sleep(2)
        with there.server_cpu() as idle:
            time.sleep(_WATCH_S)
        with there.server_cpu() as hinted:
            began = time.monotonic()
            _submit_one_by_one(insert)
            watched_s = time.monotonic() - began
        idle_ms = idle.spent_s / _WATCH_S * 1000
        return idle_ms, (hinted.spent_s * 1000 - idle_ms * watched_s) / _HINTS


def _submit_one_by_one(insert: Probe) -> None:
    for _ in range(_HINTS):
        insert.ask(count=1, provider="mock", model="mock-1")
        time.sleep(0.05)


def main() -> None:
    print("| hosts | calls a second | ideal | server CPU a task |\n|--:|--:|--:|--:|")
    for hosts in (1, 2, 3):
        rates, costs = zip(*(throughput(hosts) for _ in range(RUNS)), strict=True)
        ideal = hosts * SLOTS_A_HOST / LATENCY_S
        print(
            f"| {hosts} | {statistics.median(rates):.0f} | {ideal:.0f} "
            f"| {statistics.median(costs):.2f} ms |"
        )
    print("\n| idle workers | server CPU a second | server CPU a submit |\n|--:|--:|--:|")
    for workers in IDLE_WORKERS:
        idle, submit = zip(*(idle_cost(workers) for _ in range(RUNS)), strict=True)
        print(
            f"| {workers} | {statistics.median(idle):.1f} ms | {statistics.median(submit):.2f} ms |"
        )


if __name__ == "__main__":
    main()
