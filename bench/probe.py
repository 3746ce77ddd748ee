"""A process that stays ready, told what to do line by line: its start is in no measurement."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Probe:
    """Answers one JSON line to each JSON line. Its standard error goes to `log`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip

    def __enter__(self) -> Self:
        self.ask()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, timeout_s: float = 120, **order: object) -> Any:
        """Send an order and return its answer. Raises RuntimeError with what the probe said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
        except OSError as gone:
            raise RuntimeError(self._log.read_text()[-2000:]) from gone
        readable, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            raise RuntimeError(self._log.read_text()[-2000:] or f"no answer in {timeout_s:g} s")
        return json.loads(line)

    @property
    def pid(self) -> int:
        return self._process.pid


def peer_environment(**more: str) -> dict[str, str]:
    """What a process outside the project's environment gets: nothing of the project's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TASKRUNNER_", "DJANGO_"))}
    kept.pop("VIRTUAL_ENV", None)
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more
