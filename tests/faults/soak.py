"""Kill things again and again while tasks flow, and count what came of it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployment import ROOT, Deployment, template_database, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation, children_of, family_of, is_alive, kill

LEASE_S = 2.0
LATENCY_S = 0.4
TASKS_A_ROUND = 24
_LONGEST_RECOVERY_S = 60.0
_FEEDER = """
import sys
from django.contrib.auth import get_user_model
from tasks.models import Task
from tasks.engine.wakeup import hint
from django.db import transaction
admin = get_user_model().objects.get(username="admin")
print("ready", flush=True)
for line in sys.stdin:
    name, count = line.split()
    with transaction.atomic():
        Task.objects.bulk_create(
            Task(owner=admin, prompt=f"{name} {n}", provider="openai", model="gpt-6-luna",
                 max_attempts=5) for n in range(int(count)))
        hint()
    print("fed", flush=True)
"""


@dataclass(kw_only=True)
class Tally:
    """One kind of kill. `over_bound`: tasks with more calls than attempts written down for them."""

    kind: str
    rounds: int = 0
    tasks: int = 0
    lost: int = 0
    calls: int = 0
    over_bound: int = 0
    worst_s: float = 0.0

    @property
    def duplicates(self) -> int:
        return self.calls - self.tasks

    @property
    def is_clean(self) -> bool:
        return self.lost == 0 and self.over_bound == 0


@dataclass(kw_only=True)
class Soak:
    """A cluster under fire. `chance` decides whom and when; its seed makes a run repeatable."""

    installation: Installation
    feeder: subprocess.Popen[str]
    chance: random.Random
    cluster: subprocess.Popen[str] = field(init=False)

    @classmethod
    @contextlib.contextmanager
    def over(cls, seed: int) -> Iterator[Soak]:
        """On the database of DATABASE_URL; SQLite without."""
        with (
            TemporaryDirectory(prefix="taskrunner-soak-") as folder,
            FakeProviderProcess(latency_s=LATENCY_S) as provider,
            Deployment.create(Path(folder), template_database()) as deployment,
        ):
            deployment.environment |= provider.environment("openai") | {
                "TASKRUNNER_LEASE": str(LEASE_S),
                "TASKRUNNER_WORKERS": "2",
                "TASKRUNNER_CONCURRENCY": "16",
                "LOG_LEVEL": "WARNING",
            }
            installation = Installation(deployment=deployment, provider=provider)
            soak = cls(
                installation=installation,
                feeder=_start_feeder(deployment),
                chance=random.Random(seed),
            )
            soak.cluster = installation.start_cluster()
            try:
                yield soak
            finally:
                soak.feeder.kill()

    def run(self, kind: str, tally: Tally) -> None:
        """One round: feed, wait until calls are under way, strike, wait for the end of all."""
        name = f"{kind.replace(' ', '-')}-{tally.rounds}"
        before = self.installation.provider.count()
        self._feed(name, TASKS_A_ROUND)
        share = self.chance.randint(4, TASKS_A_ROUND - 4)
        wait_until(lambda: self.installation.provider.count() >= before + share, 30, "calls")
        struck_at = time.monotonic()
        KINDS[kind](self)
        self._ensure_cluster()
        self._wait_for_end(name)
        tally.worst_s = max(tally.worst_s, time.monotonic() - struck_at)
        tally.rounds += 1
        self._count(name, tally)

    def _feed(self, name: str, count: int) -> None:
        assert self.feeder.stdin is not None
        assert self.feeder.stdout is not None
        self.feeder.stdin.write(f"{name} {count}\n")
        self.feeder.stdin.flush()
        while (line := self.feeder.stdout.readline().strip()) != "fed":
            if not line:
                raise RuntimeError("the feeder died")

    def _ensure_cluster(self) -> None:
        if self.cluster.poll() is not None or not is_alive(self.cluster.pid):
            self.cluster.wait()
            self.cluster = self.installation.start_cluster()

    def _wait_for_end(self, name: str) -> None:
        query = (
            "SELECT count(*) FROM tasks_task WHERE prompt LIKE %s "
            "AND status IN ('PENDING', 'PROCESSING')"
        )
        with contextlib.suppress(AssertionError):  # what has not ended by then counts as lost
            wait_until(
                lambda: self.installation.deployment.query(query, (f"{name} %",))[0][0] == 0,
                _LONGEST_RECOVERY_S,
            )

    def _count(self, name: str, tally: Tally) -> None:
        rows = self.installation.deployment.query(
            "SELECT prompt, status, result, (SELECT count(*) FROM tasks_attempt a "
            "WHERE a.task_id = t.id) FROM tasks_task t WHERE prompt LIKE %s",
            (f"{name} %",),
        )
        by_prompt = self.installation.provider.counts()["by_prompt"]
        tally.tasks += TASKS_A_ROUND
        tally.lost += TASKS_A_ROUND - len(rows)
        for prompt, status, result, attempts in rows:
            calls = by_prompt.get(prompt, 0)
            tally.calls += calls
            tally.over_bound += calls > attempts
            tally.lost += status != "COMPLETED" or result != f"Answer to: {prompt}"


def _start_feeder(deployment: Deployment) -> subprocess.Popen[str]:
    feeder = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", _FEEDER],
        cwd=ROOT, env=deployment.environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert feeder.stdout is not None
    while (line := feeder.stdout.readline()) and line.strip() != "ready":
        continue
    return feeder


# --- what is struck -----------------------------------------------------------------------------
def _one_worker(soak: Soak) -> None:
    kill(soak.chance.choice(soak.installation.drains()))


def _all_workers(soak: Soak) -> None:
    kill(*soak.installation.drains())


def _whole_group(soak: Soak) -> None:
    kill(*family_of(soak.cluster.pid))
    soak.cluster.wait(10)


def _sentinel(soak: Soak) -> None:
    kill(*children_of(soak.cluster.pid))
    soak.cluster.wait(10)


def _main_process(soak: Soak) -> None:
    kill(soak.cluster.pid)
    soak.cluster.wait(10)


def _helpers(soak: Soak) -> None:
    (sentinel,) = children_of(soak.cluster.pid)
    kill(*(set(children_of(sentinel)) - set(soak.installation.drains())))


def _frozen_worker(soak: Soak) -> None:
    """Past its lease, then on again: its answers come late."""
    frozen = soak.chance.choice(soak.installation.drains())
    os.kill(frozen, signal.SIGSTOP)
    lapsed_at = time.monotonic() + LEASE_S * 1.5
    wait_until(lambda: time.monotonic() > lapsed_at, 30)
    with contextlib.suppress(ProcessLookupError):
        os.kill(frozen, signal.SIGCONT)


def _connections(soak: Soak) -> None:
    soak.installation.deployment.query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND query NOT LIKE '%%tasks_task\" (%%'"
    )
    soak.feeder.kill()
    soak.feeder = _start_feeder(soak.installation.deployment)


def _stop(soak: Soak) -> None:
    soak.cluster.send_signal(signal.SIGTERM)
    soak.cluster.wait(15)


KINDS: dict[str, Callable[[Soak], None]] = {
    "one worker": _one_worker,
    "all workers": _all_workers,
    "whole group": _whole_group,
    "sentinel": _sentinel,
    "main process": _main_process,
    "monitor and pusher": _helpers,
    "worker frozen past its lease": _frozen_worker,
    "stop in mid-call": _stop,
}
if os.environ.get("DATABASE_URL", "").startswith("postgres"):
    KINDS["all database connections"] = _connections
