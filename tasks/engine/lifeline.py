"""How every process of a cluster learns that it must go: ordered to stop, or its parent is gone.

Two pipes, made before the first fork. Only the main process keeps the writing ends: a byte on the
one is the order to stop, the end of the other says that the main process died, however it died.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading

# What a drain may still need to give its leases back once its parent is gone.
_LAST_WORDS_S = 1.5

_current: Lifeline | None = None


class Lifeline:
    """`stop_fd` and `life_fd` become readable when the order comes, or the main process dies."""

    def __init__(self) -> None:
        self._main_pid = os.getpid()
        self.stop_fd, self._stop_writer = os.pipe()
        self.life_fd, self._life_writer = os.pipe()
        self._holds_writers = True

    def order_stop(self) -> None:
        """Called by the main process: every drain finishes or releases what it holds."""
        with contextlib.suppress(OSError):
            os.write(self._stop_writer, b".")

    def is_stop_ordered(self) -> bool:
        return _is_readable(self.stop_fd)

    def is_parent_gone(self) -> bool:
        return _is_readable(self.life_fd)

    def _enter_child(self) -> None:
        if self._holds_writers:  # the sentinel's own forks come here too: closed once is enough,
            self._holds_writers = False  # by then the numbers may be another file's
            os.close(self._stop_writer)
            os.close(self._life_writer)
        if os.getppid() != self._main_pid:  # of the sentinel's children, which ignores SIGTERM
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        threading.Thread(target=self._leave_with_parent, name="lifeline", daemon=True).start()

    def _leave_with_parent(self) -> None:
        """Sentinel, pusher, monitor and drains alike: nobody outlives the main process."""
        poll = select.poll()
        poll.register(self.life_fd, select.POLLIN)
        poll.poll()
        threading.Event().wait(_LAST_WORDS_S)
        os._exit(1)


def hold_lifeline() -> Lifeline:
    """Make this process the main process of a cluster; its forks follow it."""
    global _current  # noqa: PLW0603 - one process is the main process of one cluster
    if _current is None:
        _current = Lifeline()
        os.register_at_fork(after_in_child=_current._enter_child)
    return _current


def current_lifeline() -> Lifeline | None:
    """The lifeline that this process was forked with; None outside a cluster."""
    return _current


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
