"""One child process: leads a session of its own, so that all it forks can be found and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_MOST_FAILURES = 5
_NEVER = float("inf")


class Child:
    """A service that is started again when it dies. Times are by the monotonic clock.

    `is_healthy`: it has shown that it works since its last start. A start that ends before that
    is a failure; `failures` counts them in a row.
    """

    def __init__(self, name: str, module: str, fds: Sequence[int], cwd: Path) -> None:
        self.name = name
        self._fds = fds
        self._command = [sys.executable, "-P", "-m", module, *map(str, fds)]
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._kill_at = _NEVER
        self._was_ever_healthy = False
        self.starts = 0
        self.started_at = 0.0
        self.start_at = 0.0
        self.is_healthy = False
        self.failures = 0

    @property
    def pid(self) -> int:
        """Of the running process, which is also its group's; 0 while there is none."""
        return self._process.pid if self._process else 0

    @property
    def is_ending(self) -> bool:
        """It was asked to end and has not yet."""
        return self._kill_at != _NEVER

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            pass_fds=self._fds,
            start_new_session=True,
        )
        self.starts += 1
        self.started_at = time.monotonic()
        self.is_healthy = False
        self._kill_at = _NEVER

    def mark_healthy(self) -> None:
        self.is_healthy = self._was_ever_healthy = True
        self.failures = 0

    def poll(self) -> int | None:
        """The exit code, once, when the process has ended; plans the next start. Else None."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        self._process = None
        self.failures += 0 if self.is_healthy else 1
        pause_s = min(_FIRST_PAUSE_S * 2**self.failures, _LONGEST_PAUSE_S)
        self.start_at = time.monotonic() + pause_s
        return code

    def is_hopeless(self, code: int) -> bool:
        """It ended by itself and has never worked, or it has failed too often in a row."""
        if not self._was_ever_healthy and code >= 0:
            return True
        return self.failures >= _MOST_FAILURES

    def terminate(self, grace_s: float) -> None:
        """Ask it to end; `press` kills it and all it forked after `grace_s` seconds."""
        if self._process is not None and not self.is_ending:
            self._kill_at = time.monotonic() + grace_s
            self._process.terminate()

    def press(self) -> None:
        if time.monotonic() >= self._kill_at:
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            signal_group(self.pid, signal.SIGKILL)


def signal_group(pgid: int, number: int) -> bool:
    """Send `number` (0: none) to a process group; False if nobody is left in it."""
    with suppress(ProcessLookupError):
        os.killpg(pgid, number)
        return True
    return False


def describe_end(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
