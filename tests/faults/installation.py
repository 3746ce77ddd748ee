"""Verbs for fault tests: submit, find the processes, kill them, wait for what must come out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.deployment import Deployment, wait_until
from tests.fakes.process import FakeProviderProcess

_TERMINAL = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass(kw_only=True)
class Installation:
    deployment: Deployment
    provider: FakeProviderProcess

    # --- work ---------------------------------------------------------------------------------
    def submit(self, *prompts: str, priority: int = 5, **fields: object) -> list[int]:
        """Tasks of `admin`, by the bulk import; their ids in the order of the prompts."""
        path = self.deployment.folder / f"tasks-{len(self.ids())}.jsonl"
        path.write_text(
            "".join(
                json.dumps({"prompt": p, "provider": "openai", "priority": priority} | fields)
                + "\n"
                for p in prompts
            )
        )
        before = set(self.ids())
        done = self.deployment.manage("import_tasks", str(path))
        assert done.returncode == 0, done.stderr
        return [task_id for task_id in self.ids() if task_id not in before]

    def ids(self) -> list[int]:
        return [row[0] for row in self.deployment.query("SELECT id FROM tasks_task ORDER BY id")]

    def statuses(self) -> Counter[str]:
        rows = self.deployment.query("SELECT status FROM tasks_task")
        return Counter(row[0] for row in rows)

    def task(self, task_id: int, *columns: str) -> tuple[object, ...]:
        names = ", ".join(columns)
        return self.deployment.query(f"SELECT {names} FROM tasks_task WHERE id = %s", (task_id,))[0]

    def outcomes(self, task_id: int) -> list[str]:
        """The outcomes of a task's attempts, oldest first; "" is one that runs."""
        rows = self.deployment.query(
            "SELECT outcome FROM tasks_attempt WHERE task_id = %s ORDER BY number", (task_id,)
        )
        return [row[0] for row in rows]

    def wait_for_end(self, timeout_s: float = 60) -> Counter[str]:
        """The statuses once every task has ended."""

        def all_ended() -> Counter[str] | None:
            statuses = self.statuses()
            return statuses if all(name in _TERMINAL for name in statuses) else None

        return wait_until(all_ended, timeout_s, f"all ended, but {self.statuses()}")

    # --- processes ----------------------------------------------------------------------------
    def start_cluster(self, **environment: str) -> subprocess.Popen[str]:
        """A cluster whose drains have all shown themselves."""
        already = set(self.drains())
        process = self.deployment.start("qcluster", **environment)
        wanted = int((self.deployment.environment | environment)["TASKRUNNER_WORKERS"])
        wait_until(
            lambda: len(set(self.drains()) - already) >= wanted or process.poll() is not None,
            40, "drains beat",
        )  # fmt: skip
        assert process.poll() is None, self.deployment.log(process)
        return process

    def drains(self) -> list[int]:
        """The process ids of the drains that live, by their own word in the database."""
        rows = self.deployment.query("SELECT pid FROM tasks_worker ORDER BY pid")
        return [row[0] for row in rows if is_alive(row[0])]

    def wait_for_calls(self, count: int, timeout_s: float = 40) -> None:
        """Until so many requests have reached the provider."""
        wait_until(lambda: self.provider.count() >= count, timeout_s, f"{count} calls")


def moment(told: object) -> datetime:
    """A column's value; SQLite keeps times as texts, in UTC."""
    found = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """The living children of a process, oldest first."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def family_of(pid: int) -> list[int]:
    """A process and all of its descendants."""
    found = [pid]
    for child in children_of(pid):
        found += family_of(child)
    return found


def is_alive(pid: int) -> bool:
    """Running; a zombie that waits for its parent is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def kill(*pids: int) -> None:
    """SIGKILL, whether they still live or not."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
