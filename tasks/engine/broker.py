"""django-q2's door: the one file that knows it. Its queue carries tickets, never tasks.

A ticket says "drain the queue". Each worker process asks for one when it is forked, takes it and
stays in the drain until it dies or is told to leave. So no task is ever inside django-q2's queues:
whatever is killed there loses nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

from django_q.brokers import Broker
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.signals import post_spawn
from django_q.signing import SignedPackage

from tasks.engine.lifeline import Lifeline

_TICKET_WAIT_S = 0.2

# Released by each new worker, taken by the pusher for each ticket: workers that lack one.
_lacking = multiprocessing.get_context("fork").Semaphore(0)


class TicketBroker(Broker):  # type: ignore[misc]
    """Hands out one ticket for each worker that was forked. It needs no server."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._served_by: int | None = None

    def ping(self) -> bool:
        """Called once by the sentinel, before it forks.

        A service manager signals the whole group; the sentinel must live on until the drains have
        left. The main process orders the stop.
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return True

    def dequeue(self) -> list[tuple[str, str]] | None:
        """A ticket if a worker lacks one, else None after a moment: the pusher hears its stop."""
        if self._served_by != os.getpid():
            # A new pusher cannot know whom a killed one still served: a ticket for everyone.
            # Too many do no harm, the next forks take them.
            self._served_by = os.getpid()
            while _lacking.acquire(block=False):
                pass
            return [_ticket() for _ in range(Conf.WORKERS)]
        return [_ticket()] if _lacking.acquire(timeout=_TICKET_WAIT_S) else None

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Workers show themselves in the database; django-q2's own figures stay unwritten."""

    def info(self) -> str:
        return "Tickets; the task table is the queue"


class RunnerCluster(Cluster):  # type: ignore[misc]
    """django-q2's cluster, stopped by the lifeline instead of inside a signal handler."""

    def __init__(self, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self.is_stop_requested = False
        super().__init__()

    def sig_handler(self, signum: int, frame: object) -> None:
        """SIGTERM or SIGINT: drains leave, the sentinel ends the rest when they have."""
        self.is_stop_requested = True
        self._lifeline.order_stop()
        if self.stop_event is not None:
            self.stop_event.set()

    def run(self) -> bool:
        """Until the cluster has ended. True if it ended because it was told to."""
        if not self.is_stop_requested:
            self.start()
        if self.is_stop_requested and self.stop_event is not None:
            self.stop_event.set()  # the signal may have come before there was an event to set
        while self.sentinel is not None and self.sentinel.is_alive():
            self.sentinel.join(timeout=0.5)
        return self.is_stop_requested


def _ticket() -> tuple[str, str]:
    task: dict[str, Any] = {
        "id": "drain",
        "name": "drain",
        "func": "tasks.engine.drain.drain",
        "args": (),
        "kwargs": {},
        "timeout": -1,
        "save": False,
        "ack_failure": True,
    }
    return "drain", SignedPackage.dumps(task)


def _ask_for_a_ticket(**_: object) -> None:
    _lacking.release()


post_spawn.connect(_ask_for_a_ticket, dispatch_uid="tasks.engine.broker")
