"""The text of running calls, written down now and then for whoever looks on."""

from __future__ import annotations

from collections.abc import Collection

from tasks.engine.claimed import Claimed
from tasks.models import Attempt
from tasks.providers.wording import storable
from tasks.row_writes import update_rows

WRITE_EVERY_S = 1.0
_LEAST_GROWTH = 1.02  # of a very long text, so that all its writes together stay in proportion
_RUNNING = ""  # an attempt's outcome; one that has ended takes no more text


class PartialWriter:
    """One worker's. Costs one statement a look, and none where no text has come."""

    def __init__(self) -> None:
        self._written: dict[tuple[int, int], int] = {}

    def write(self, calls: Collection[Claimed]) -> None:
        """Write the texts that have grown since the last look onto their attempts."""
        grown = {
            call.key: partial
            for call in calls
            if (partial := call.request.partial) is not None
            and partial.chars > self._written.get(call.key, 0) * _LEAST_GROWTH
        }
        chars = {key: partial.chars for key, partial in grown.items()}  # more may come meanwhile
        update_rows(
            Attempt,
            ["partial", "first_token_ms"],
            [
                (storable(partial.text), partial.first_ms, *key, _RUNNING)
                for key, partial in grown.items()
            ],
            key=("task", "number", "outcome"),
        )
        known = {call.key: self._written.get(call.key, 0) for call in calls}
        self._written = known | chars
