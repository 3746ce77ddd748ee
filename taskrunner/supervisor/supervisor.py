"""The loop: starts the children, starts them again when they die, ends them all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from taskrunner.supervisor.bell import Bell
from taskrunner.supervisor.child import Child, describe_end
from taskrunner.supervisor.leftovers import Leftovers
from taskrunner.supervisor.screen import tell

STOP_GRACE_S = 8.0  # a drain takes 6 s at most, open web requests 3 s; all must be gone in 10 s
_LAST_WAIT_S = 1.0
_ORPHANS_GRACE_S = 4.0
_LONGEST_SLEEP_S = 1.0
_SHORTEST_SLEEP_S = 0.05


class Supervisor:
    """Runs until it is told to stop, or until a child cannot be kept running."""

    def __init__(self, children: Sequence[Child], bell: Bell, on_ready: Callable[[], None]) -> None:
        self._children = children
        self._bell = bell
        self._on_ready = on_ready
        self._is_ready = False
        self._has_given_up = False
        self._leftovers = Leftovers()

    def run(self) -> int:
        """The exit code: 0 after an orderly stop, 1 if a child would not run."""
        self._bell.hang()
        try:
            for child in self._children:
                child.start()
            while not self._bell.stops and not self._has_given_up:
                self._turn()
        finally:
            self._stop()
        return 1 if self._has_given_up else 0

    def mark_healthy(self, child: Child, start: int) -> None:
        """Reported by a probe. It counts only for the start that was looked at."""
        if child.starts != start or not child.pid:
            return
        child.mark_healthy()
        if not self._is_ready and all(child.is_healthy for child in self._children):
            self._is_ready = True
            self._on_ready()

    def renew(self, child: Child, start: int) -> None:
        """Reported by a probe: it runs, but does nothing. End it, its end starts it anew."""
        if child.starts == start and child.pid and not child.is_ending:
            tell(f"The {child.name} does not take the work that waits; starting it again.")
            child.terminate(STOP_GRACE_S)

    def _turn(self) -> None:
        for act in self._bell.wait(self._pause_s()):
            act()
        self._leftovers.press()
        for child in self._children:
            self._tend(child)

    def _tend(self, child: Child) -> None:
        pid = child.pid
        child.press()
        if (code := child.poll()) is not None:
            self._leftovers.add(pid, _ORPHANS_GRACE_S)
            self._judge_end(child, code)
        elif not pid and time.monotonic() >= child.start_at:
            child.start()

    def _judge_end(self, child: Child, code: int) -> None:
        if self._bell.stops:
            return
        if child.is_hopeless(code):
            self._has_given_up = True
            tell(f"The {child.name} cannot be kept running ({describe_end(code)}, "
                 f"{child.starts} starts): see its messages above.")  # fmt: skip
        else:
            tell(f"The {child.name} ended ({describe_end(code)}); starting it again.")

    def _pause_s(self) -> float:
        if self._leftovers:
            return _SHORTEST_SLEEP_S
        starts = [child.start_at for child in self._children if not child.pid]
        until_next = min(starts, default=float("inf")) - time.monotonic()
        return min(_LONGEST_SLEEP_S, max(_SHORTEST_SLEEP_S, until_next))

    def _stop(self) -> None:
        """All at once; a second order to stop, or the end of the grace time, kills the rest."""
        first_stops = self._bell.stops
        for child in self._children:
            child.terminate(STOP_GRACE_S)
        deadline = time.monotonic() + STOP_GRACE_S
        while self._is_anyone_left() and time.monotonic() < deadline:
            if self._bell.stops > max(1, first_stops):
                break
            self._bell.wait(_SHORTEST_SLEEP_S)
        self._kill_the_rest()

    def _is_anyone_left(self) -> bool:
        for child in self._children:
            pid = child.pid
            if child.poll() is not None:
                self._leftovers.add(pid, _ORPHANS_GRACE_S)
        self._leftovers.press()
        return bool(self._leftovers) or any(child.pid for child in self._children)

    def _kill_the_rest(self) -> None:
        for child in self._children:
            child.kill()
        deadline = time.monotonic() + _LAST_WAIT_S
        while self._is_anyone_left() and time.monotonic() < deadline:
            self._leftovers.kill()
            time.sleep(_SHORTEST_SLEEP_S)
