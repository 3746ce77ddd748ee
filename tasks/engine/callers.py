"""The threads that call: claimed tasks go in, answers come out. They never touch the database."""

from __future__ import annotations

import os
import queue
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from tasks.engine.claimed import Answer, Claimed


class Callers:
    """Up to `slots` calls at once. Threads start as they are first needed, and are daemons: a
    process that leaves does not wait for a provider."""

    def __init__(self, slots: int, call: Callable[[Claimed], Answer]) -> None:
        self.slots = slots
        self._call = call
        self._todo: queue.SimpleQueue[Claimed] = queue.SimpleQueue()
        self._answers: deque[Answer] = deque()
        self._calling: dict[tuple[int, int], Claimed] = {}
        self._threads = 0
        self._bell, self._ringer = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._ringer, False)

    @property
    def bell_fd(self) -> int:
        """Readable when there are answers to take."""
        return self._bell

    @property
    def free(self) -> int:
        return self.slots - len(self._calling)

    @property
    def calling(self) -> list[Claimed]:
        """What is under way, as the coordinator sees it."""
        return list(self._calling.values())

    def start(self, claimed: Claimed) -> None:
        self._calling[claimed.key] = claimed
        self._todo.put(claimed)
        if self._threads < min(len(self._calling), self.slots):
            self._threads += 1
            name = f"caller-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def take(self) -> list[Answer]:
        """The answers since the last look; their slots are free again."""
        with suppress(BlockingIOError):
            os.read(self._bell, 4096)
        answers = []
        while self._answers:
            answer = self._answers.popleft()
            self._calling.pop(answer.claimed.key, None)
            answers.append(answer)
        return answers

    def wait(self, timeout_s: float) -> None:
        """Until there is an answer to take, or `timeout_s` seconds have passed."""
        select.select([self._bell], [], [], timeout_s)

    def _work(self) -> None:
        while True:
            answer = self._call(self._todo.get())
            self._answers.append(answer)
            with suppress(BlockingIOError):  # a full pipe rings already
                os.write(self._ringer, b".")
