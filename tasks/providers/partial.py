"""The text of an answer that is still being written: one thread adds, any other looks."""

from __future__ import annotations

from time import monotonic


class Partial:
    """One call's. `first_ms`: milliseconds from the call's beginning to its first text; None: no
    text has come."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._begun_at = monotonic()
        self.chars = 0
        self.first_ms: int | None = None

    def begin(self) -> None:
        """The call begins now."""
        self._begun_at = monotonic()

    def add(self, piece: str) -> None:
        """What has come; an empty piece is none."""
        if not piece:
            return
        if self.first_ms is None:
            self.first_ms = round((monotonic() - self._begun_at) * 1000)
        self._pieces.append(piece)
        self.chars += len(piece)

    @property
    def text(self) -> str:
        """As far as it has come."""
        return "".join(self._pieces)
