"""What a dead child has forked and left behind: it may leave by itself, but not stay."""

from __future__ import annotations

import signal
import time

from taskrunner.supervisor.child import signal_group


class Leftovers:
    """Process groups without their leader, each with the moment when patience ends."""

    def __init__(self) -> None:
        self._kill_at: dict[int, float] = {}

    def __bool__(self) -> bool:
        return bool(self._kill_at)

    def add(self, pgid: int, grace_s: float) -> None:
        """Orphaned workers give their leases back within a second or two: let them."""
        if signal_group(pgid, 0):
            self._kill_at[pgid] = time.monotonic() + grace_s

    def press(self) -> None:
        """Forget groups that are gone, kill those whose time is up."""
        now = time.monotonic()
        for pgid, kill_at in list(self._kill_at.items()):
            if not signal_group(pgid, 0):
                del self._kill_at[pgid]
            elif now >= kill_at:
                signal_group(pgid, signal.SIGKILL)

    def kill(self) -> None:
        for pgid in self._kill_at:
            signal_group(pgid, signal.SIGKILL)
