"""Several hosts on one PostgreSQL: they share the work; one is cut off, and returns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, prepare_database, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation
from tests.faults.network import CannotLay, Host, Network
from tests.faults.private_postgres import PrivatePostgres, needs_postgres
from tests.faults.test_clocks import clock_off_by

pytestmark = [pytest.mark.processes, needs_postgres]

LEASE_S = 4


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    try:
        with Network.laid(tmp_path) as network:
            yield network
    except CannotLay as refusal:
        pytest.skip(f"no network can be laid here, hosts are not tested: {refusal}")


@pytest.fixture
def site(network: Network, tmp_path: Path) -> Iterator[Installation]:
    """PostgreSQL and the provider, each at its end of the cables; no host yet."""
    with (
        FakeProviderProcess(host=network.address("provider")) as provider,
        PrivatePostgres.running(network.address("database")) as server,
    ):
        prepare_database(server.url)
        with Deployment.over(server.url, tmp_path) as deployment:
            deployment.environment |= provider.environment("openai") | {
                "TASKRUNNER_LEASE": str(LEASE_S),
                "TASKRUNNER_WORKERS": "1",
                "TASKRUNNER_CONCURRENCY": "8",
                "TASKRUNNER_RETRY_BASE": "0.05",
            }
            yield Installation(deployment=deployment, provider=provider)


def start(site: Installation, host: Host, **environment: str) -> subprocess.Popen[str]:
    """`manage.py qcluster` on that host, once its worker has shown itself."""
    command = host.wrap(sys.executable, "manage.py", "qcluster")
    journal = {"TASKRUNNER_JOURNAL_DIR": str(host.folder / "journal")}
    process = site.deployment.spawn(command, **journal, **environment)
    query = "SELECT 1 FROM tasks_worker WHERE host = %s"
    wait_until(lambda: site.deployment.query(query, (host.name,)), 40, f"{host.name} beats")
    return process


def attempts_of(site: Installation, host: str) -> list[tuple[int, str, str]]:
    """Task, outcome and error code of each attempt of that host, oldest first."""
    return site.deployment.query(
        "SELECT task_id, outcome, error_code FROM tasks_attempt WHERE worker LIKE %s ORDER BY id",
        (f"{host}-%",),
    )


def test_three_hosts_share_the_work_and_one_that_is_cut_off_harms_nothing(
    site: Installation, network: Network
):
    """One host's clock is 120 s ahead. Another loses the database in mid-call: the others take its
    tasks over, its own late answers are refused, and once it is back it works again."""
    site.provider.set_latency(1.0)
    north, south, east = (network.add_host(name) for name in ("north", "south", "east"))
    start(site, north)
    start(site, south, **clock_off_by(120))
    eastern = start(site, east)

    first = site.submit(*(f"shared {number}" for number in range(72)))
    assert site.wait_for_end(60) == {"COMPLETED": 72}
    assert site.provider.count() == len(first) == 72
    assert all(attempts_of(site, host.name) for host in network.hosts)

    site.provider.hold()
    before = site.provider.count()
    second = site.submit(*(f"cut {number}" for number in range(24)))
    site.wait_for_calls(before + 24)
    east.pull("database")
    held = [task for task, outcome, _ in attempts_of(site, "east") if outcome == ""]
    assert len(held) == 8
    site.provider.release()
    assert site.wait_for_end(60) == {"COMPLETED": 96}
    assert all(site.outcomes(task_id) == ["unknown", "succeeded"] for task_id in held)
    assert site.provider.count() == before + len(second) + len(held)
    ended = "SELECT id, status, result, finished_at, updated_at FROM tasks_task ORDER BY id"
    as_they_ended = site.deployment.query(ended)

    east.plug("database")
    wait_until(
        lambda: site.deployment.log(eastern).count("late") >= 1, 40, "its late answers are refused"
    )
    assert site.deployment.query(ended) == as_they_ended
    late = "SELECT count(*) FROM tasks_attempt WHERE is_late"
    wait_until(lambda: site.deployment.query(late) == [(8,)], 30, "each is written down")
    in_the_end = len(attempts_of(site, "east"))
    site.submit(*(f"again {number}" for number in range(24)))
    assert site.wait_for_end(60) == {"COMPLETED": 120}
    assert len(attempts_of(site, "east")) > in_the_end
