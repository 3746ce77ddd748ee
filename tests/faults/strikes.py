"""What the soak strikes, and how. Each strike returns once the blow has been dealt."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from tests.deployment import wait_until
from tests.faults.installation import Installation, children_of, family_of, kill

LEASE_S = 2.0
_LONGEST_EXIT_S = 40.0


@dataclass(frozen=True, kw_only=True)
class Target:
    """The cluster under fire; `chance` chooses among its processes."""

    installation: Installation
    cluster: subprocess.Popen[str]
    chance: random.Random

    def drains(self) -> list[int]:
        """Of this cluster and no other: a number in the database may be another process by now."""
        family = set(family_of(self.cluster.pid))
        return wait_until(
            lambda: [pid for pid in self.installation.drains() if pid in family],
            40, "a drain to strike",
        )  # fmt: skip

    def wait_for_exit(self) -> None:
        self.cluster.wait(_LONGEST_EXIT_S)


def one_worker(target: Target) -> None:
    kill(target.chance.choice(target.drains()))


def all_workers(target: Target) -> None:
    kill(*target.drains())


def whole_group(target: Target) -> None:
    kill(*family_of(target.cluster.pid))
    target.wait_for_exit()


def sentinel(target: Target) -> None:
    kill(*children_of(target.cluster.pid))
    target.wait_for_exit()


def main_process(target: Target) -> None:
    kill(target.cluster.pid)
    target.wait_for_exit()


def pusher_and_monitor(target: Target) -> None:
    (head,) = children_of(target.cluster.pid)
    kill(*(set(children_of(head)) - set(target.drains())))


def frozen_worker(target: Target) -> None:
    """Past its lease, then on again: its answers come late."""
    frozen = target.chance.choice(target.drains())
    os.kill(frozen, signal.SIGSTOP)
    lapsed_at = monotonic() + LEASE_S * 1.5
    try:
        wait_until(lambda: monotonic() > lapsed_at, 30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)


def stop_in_mid_call(target: Target) -> None:
    target.cluster.send_signal(signal.SIGTERM)
    target.wait_for_exit()


def database_connections(target: Target) -> None:
    """Those of the workers and of the submitting program alike."""
    target.installation.deployment.query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


KINDS: dict[str, Callable[[Target], None]] = {
    "kill -9 of one worker": one_worker,
    "kill -9 of all workers": all_workers,
    "kill -9 of the whole group": whole_group,
    "kill -9 of the sentinel": sentinel,
    "kill -9 of the main process": main_process,
    "kill -9 of pusher and monitor": pusher_and_monitor,
    "worker frozen past its lease": frozen_worker,
    "SIGTERM in mid-call": stop_in_mid_call,
}
if os.environ.get("DATABASE_URL", "").startswith("postgres"):
    KINDS["all database connections cut"] = database_connections
