"""Strike a cluster again and again while tasks flow through it."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployment import ROOT, Deployment, template_database, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation, is_alive
from tests.faults.strikes import KINDS, LEASE_S, Target
from tests.faults.tally import Round, Tally, tally

LATENCY_S = 0.4
TASKS_A_ROUND = 40
_LONGEST_RECOVERY_S = 60.0
_FEEDER = "from tests.faults.feeder import main; main()"


@dataclass(kw_only=True)
class Soak:
    """A cluster under fire. `chance` decides whom and when; its seed repeats the choices."""

    installation: Installation
    feeder: subprocess.Popen[str]
    chance: random.Random
    cluster: subprocess.Popen[str]
    rounds: list[Round] = field(default_factory=list)

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
                "TASKRUNNER_LEASE": f"{LEASE_S:g}",
                "TASKRUNNER_WORKERS": "2",
                "TASKRUNNER_CONCURRENCY": "16",
                "LOG_LEVEL": "WARNING",
            }
            installation = Installation(deployment=deployment, provider=provider)
            with _feeder(deployment) as feeder:
                yield cls(
                    installation=installation,
                    feeder=feeder,
                    chance=random.Random(seed),
                    cluster=installation.start_cluster(),
                )

    def strike(self, kind: str) -> None:
        """One round: tasks begin to flow, the blow falls among them, all come to their end."""
        name = f"{kind.replace(' ', '-')}-{len(self.rounds)}"
        before = self.installation.provider.count()
        self._start_feeding(name)
        share = self.chance.randint(4, TASKS_A_ROUND // 2)
        wait_until(lambda: self.installation.provider.count() >= before + share, 60, "calls")
        struck = Round(kind=kind, name=name, tasks=TASKS_A_ROUND, struck_at=datetime.now(UTC))
        self.rounds.append(struck)
        target = Target(installation=self.installation, cluster=self.cluster, chance=self.chance)
        KINDS[kind](target)
        self._ensure_cluster()
        self._finish_feeding()
        self._wait_for_end(name)

    def tallies(self) -> list[Tally]:
        """Of all rounds so far, once nothing is under way any more."""
        provider = self.installation.provider
        with contextlib.suppress(AssertionError):  # a hanging call is no reason to tell nothing
            wait_until(lambda: provider.counts()["in_flight"] == 0, 20)
        return tally(self.rounds, self.installation.deployment, provider.counts()["by_prompt"])

    def _start_feeding(self, name: str) -> None:
        assert self.feeder.stdin is not None
        self.feeder.stdin.write(f"{name} {TASKS_A_ROUND}\n")
        self.feeder.stdin.flush()

    def _finish_feeding(self) -> None:
        assert self.feeder.stdout is not None
        while (line := self.feeder.stdout.readline().strip()) != "fed":
            if not line:
                raise RuntimeError("the feeder died")

    def _ensure_cluster(self) -> None:
        """What the supervisor of `./run` does: a cluster that ended is started anew."""
        if not is_alive(self.cluster.pid):
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
                _LONGEST_RECOVERY_S, every_s=0.1,
            )  # fmt: skip


@contextlib.contextmanager
def _feeder(deployment: Deployment) -> Iterator[subprocess.Popen[str]]:
    feeder = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", _FEEDER],
        cwd=ROOT, env=deployment.environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert feeder.stdout is not None
        while (line := feeder.stdout.readline()) and line.strip() != "ready":
            continue
        yield feeder
    finally:
        feeder.kill()
        feeder.wait()
