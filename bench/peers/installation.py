"""A peer at work: its own database and Redis, its workers, a producer; all gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.databases import postgres_database, work_folder
from bench.peers.environment import peer_program
from bench.peers.redis_server import redis_server
from bench.peers.roster import Peer
from bench.probe import ROOT, Probe, peer_environment
from bench.processes import family_of
from bench.reader import Reader
from bench.server import ServerCpu
from tests.fakes.process import FakeProviderProcess

_LEFT = "SELECT EXISTS(SELECT 1 FROM bench_task WHERE finished_at IS NULL)"


@dataclass(frozen=True, kw_only=True)
class PeerInstallation:
    provider: FakeProviderProcess
    reader: Reader
    producer: Probe
    main_pids: tuple[int, ...]
    redis_pid: int | None
    database_url: str

    @property
    def processes(self) -> list[int]:
        """The workers, and whatever started them."""
        return [pid for main in self.main_pids for pid in family_of(main)]

    @property
    def broker(self) -> list[int]:
        """The Redis, if there is one: as much a part of it as the database."""
        return [] if self.redis_pid is None else [self.redis_pid]

    def server_cpu(self) -> ServerCpu:
        return ServerCpu(self.database_url, but_not=self.reader.backend_pid)

    def wait_for_end(self, timeout_s: float = 300) -> float:
        """CLOCK_MONOTONIC when every row was seen to have its result."""
        return self.reader.wait_for(_LEFT, False, timeout_s)


@contextlib.contextmanager
def peer_installation(peer: Peer, latency_s: float) -> Iterator[PeerInstallation]:
    """The peer's workers have made their first call."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        provider = stack.enter_context(FakeProviderProcess())
        url = stack.enter_context(postgres_database())
        redis = stack.enter_context(redis_server(folder)) if peer.has_redis else None
        environment = _environment(peer, url, provider, redis.url if redis else "")
        if peer.prepare:
            _run(peer.prepare, environment)
        producer = stack.enter_context(_producer(peer, environment, folder))
        mains = [
            stack.enter_context(_worker(peer, environment, folder / f"worker-{number}.log"))
            for number in range(peer.worker_processes)
        ]
        running = PeerInstallation(
            provider=provider, reader=stack.enter_context(Reader(url)), producer=producer,
            main_pids=tuple(main.pid for main in mains),
            redis_pid=redis.pid if redis else None, database_url=url,
        )  # fmt: skip
        _warm_up(running, folder)
        provider.reset()
        provider.set_latency(latency_s)
        yield running


def _environment(peer: Peer, url: str, provider: FakeProviderProcess, redis: str) -> dict[str, str]:
    return peer_environment(
        BENCH_DATABASE_URL=url,
        BENCH_PROVIDER_URL=provider.base_url("openai"),
        BENCH_REDIS_URL=redis,
        DJANGO_SETTINGS_MODULE="bench.peers.django_q2_stock.settings",
    )


def _warm_up(running: PeerInstallation, folder: Path) -> None:
    try:
        running.producer.ask(job="answer", first=0, count=1)
        running.wait_for_end(30)
    except TimeoutError as error:
        raise RuntimeError((folder / "worker-0.log").read_text()[-2000:]) from error


def _run(command: tuple[str, ...], environment: dict[str, str]) -> None:
    program, *arguments = command
    done = subprocess.run(
        [peer_program(program), *arguments], cwd=ROOT, env=environment, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _producer(peer: Peer, environment: dict[str, str], folder: Path) -> Probe:
    command = [peer_program("python"), "-m", "bench.peers.produce", peer.folder]
    return Probe(command, environment, folder / "producer.log")


@contextlib.contextmanager
def _worker(
    peer: Peer, environment: dict[str, str], path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """In a process group of their own, which ends as a whole."""
    program, *arguments = peer.worker
    with path.open("w") as log:
        main = subprocess.Popen(
            [peer_program(program), *arguments], cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield main
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(main.pid, signal.SIGKILL)
        main.wait(10)
