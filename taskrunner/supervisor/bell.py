"""What the supervisor's loop sleeps on: signals, dead children, and what its threads report."""

from __future__ import annotations

import queue
import select
import signal
import socket
from collections.abc import Callable
from types import FrameType

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Bell:
    """Wakes the loop. `stops` counts the orders to stop so far."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._reports: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.stops = 0

    def hang(self) -> None:
        """Take the signals of this process; call it in the main thread."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, _on_child)  # ignored by default, it would wake nobody

    def report(self, action: Callable[[], None]) -> None:
        """From any thread: have the loop do this."""
        self._reports.put(action)
        try:
            self._writer.send(b"\0")
        except BlockingIOError:
            return  # it is awake already

    def wait(self, timeout_s: float) -> list[Callable[[], None]]:
        """What was reported, at once when there is something, or after `timeout_s` seconds."""
        select.select([self._reader], [], [], timeout_s)
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        reports = []
        while not self._reports.empty():
            reports.append(self._reports.get())
        return reports

    def _on_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stops += 1


def _on_child(signum: int, frame: FrameType | None) -> None:
    """Its arrival is all that matters."""
