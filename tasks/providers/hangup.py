"""How one thread ends a call that another one makes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class HangUp:
    """One call's. Ordered before the call begins, it ends the call at its beginning; after its
    end, nothing: the connection may be another call's by then."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._end: Callable[[], None] | None = None
        self.is_ordered = False

    def order(self) -> None:
        with self._lock:
            self.is_ordered = True
            if self._end is not None:
                self._end()

    def attach(self, end: Callable[[], None]) -> None:
        """The call begins; `end` ends it."""
        with self._lock:
            self._end = end
            if self.is_ordered:
                end()

    def detach(self) -> None:
        """The call is over."""
        with self._lock:
            self._end = None
