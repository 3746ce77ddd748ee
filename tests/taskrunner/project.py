"""A copy of the project as a fresh clone has it, in a folder with a space, and its processes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests.deployment import ROOT, _base_environment, wait_until

_NOT_CLONED = shutil.ignore_patterns(
    ".git", ".venv", ".env", "var", "db.sqlite3*", "staticfiles", "tests", "bench", "docs",
    "__pycache__", ".*_cache",
)  # fmt: skip
# What tests/settings.py puts into the environment of the test process.
_FROM_TESTS = (
    "ENVIRONMENT", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "LOG_LEVEL", "LOG_FORMAT",
    "DJANGO_SETTINGS_MODULE",
)  # fmt: skip
_LONGEST_START_S = 60
LONGEST_STOP_S = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(kw_only=True)
class Run:
    """One `./run` in the background."""

    process: subprocess.Popen[str]
    log_path: Path
    port: int

    @property
    def output(self) -> str:
        return self.log_path.read_text()

    def wait_until_ready(self) -> str:
        """The line that says so; fails at once if it ended instead."""

        def ready() -> str | None:
            assert self.process.poll() is None, self.output
            found = re.search(r"^Ready: .*$", self.output, re.MULTILINE)
            return found[0] if found else None

        line: str = wait_until(ready, _LONGEST_START_S, "Ready")
        return line

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and the exit code."""
        self.process.send_signal(number)
        return self.process.wait(LONGEST_STOP_S)


@dataclass(kw_only=True)
class Project:
    folder: Path
    environment: dict[str, str]
    runs: list[Run] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def clone(cls, tmp_path: Path, database_url: str | None) -> Iterator[Project]:
        """database_url: None for the SQLite file that the project makes for itself."""
        folder = tmp_path / "a clone"
        shutil.copytree(ROOT, folder, ignore=_NOT_CLONED)
        (folder / ".venv").symlink_to(sys.prefix)
        environment = _base_environment()
        for name in (*_FROM_TESTS, "SECRET_KEY", "DATABASE_URL", "PYTHONPATH"):
            environment.pop(name, None)
        if database_url is not None:
            environment["DATABASE_URL"] = database_url
        project = cls(folder=folder, environment=environment)
        try:
            yield project
        finally:
            project.close()

    def start(self, *arguments: str, **environment: str) -> Run:
        """`./run ARGUMENTS` from another folder, on a free port."""
        port = free_port()
        log_path = self.folder.parent / f"run-{len(self.runs)}.log"
        with log_path.open("w") as log:
            process = subprocess.Popen(
                [self.folder / "run", "--port", str(port), *arguments],
                cwd=self.folder.parent, env=self.environment | environment, text=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.runs.append(Run(process=process, log_path=log_path, port=port))
        return self.runs[-1]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`./run ARGUMENTS` to its end."""
        return subprocess.run(
            [self.folder / "run", *arguments], cwd=self.folder.parent, text=True, timeout=90,
            env=self.environment | environment, capture_output=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def pids(self, part: str = "") -> set[int]:
        """Who runs with this copy's Python, and `part` in the command line."""
        return set(_pids((str(self.folder), part)))

    def wait_until_gone(self, timeout_s: float = 5) -> None:
        wait_until(lambda: not self.pids(), timeout_s, "no process left")

    def close(self) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for run in self.runs:
            run.process.wait()


def is_answering(port: int, path: str = "/healthz") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status == 200
    except OSError:
        return False


def _pids(parts: Sequence[str]) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                is_zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if not is_zombie and all(part in command for part in parts):
                yield int(entry.name)
