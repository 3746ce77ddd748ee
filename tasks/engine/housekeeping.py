"""Periodic work beside the queue: each chore runs on one machine at a time, off the calling path.

Chores register themselves by name and interval. Every worker and every web process keeps house on
a thread of its own; a row in the database tells whose turn it is. The web process waits a little
longer than the workers, so it steps in only where no worker lives, and then nothing stands still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import Error, connection

from tasks.models import ChoreTurn
from tasks.querysets import database_now

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
WEB_PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class PeriodicChore:
    """`do` is called every `interval_s` seconds by one process of all."""

    name: str
    interval_s: float
    do: Callable[[], object]


_chores: dict[str, PeriodicChore] = {}
_companions: dict[str, Callable[[threading.Event], None]] = {}


def register_chore(name: str, *, interval_s: float, do: Callable[[], object]) -> None:
    """From now on this is done. A name that is known already is replaced."""
    _chores[name] = PeriodicChore(name=name, interval_s=interval_s, do=do)


def register_companion(name: str, run: Callable[[threading.Event], None]) -> None:
    """From now on `run` goes on beside every worker, on a thread of its own, until its event is
    set: for work that waits for others, and would hold up the chores."""
    _companions[name] = run


def keep_house(patience_s: float = 0.0) -> None:
    """Run each chore whose turn has come and that no other process has taken.

    patience_s: how long others are given to take it first. A chore that fails is logged and
    has its next turn. Raises: Django's database errors, if not even the turns can be read.
    """
    for name in _due_names(patience_s):
        if not _take_turn(_chores[name], patience_s):
            continue
        try:
            _chores[name].do()
        except Exception:
            log.exception("chore failed; it has its next turn", chore=name)


def _due_names(patience_s: float) -> list[str]:
    now = database_now()
    for name in set(_chores) - set(ChoreTurn.objects.values_list("name", flat=True)):
        ChoreTurn.objects.get_or_create(name=name, defaults={"due_at": now})
    limit = now - timedelta(seconds=patience_s)
    due = ChoreTurn.objects.filter(name__in=list(_chores), due_at__lte=limit)
    return list(due.order_by("due_at").values_list("name", flat=True))


def _take_turn(chore: PeriodicChore, patience_s: float) -> bool:
    """False: another process was first."""
    now = database_now()
    mine = ChoreTurn.objects.filter(
        name=chore.name, due_at__lte=now - timedelta(seconds=patience_s)
    )
    return bool(mine.update(due_at=now + timedelta(seconds=chore.interval_s)))


class Housekeeper:
    """The thread that keeps house for a process until it is told to stop."""

    def __init__(self, *, patience_s: float = 0.0) -> None:
        self._patience_s = patience_s
        self._is_over = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="housekeeper", daemon=True).start()
        if self._patience_s:
            return  # a web process has none but its own work to accompany
        for name, run in _companions.items():
            arguments = (self._is_over,)
            threading.Thread(target=run, args=arguments, name=name, daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more; a chore under way is cut off with the process."""
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            try:
                keep_house(self._patience_s)
            except Error as error:  # away; the process itself says so
                log.debug("no house was kept", error=type(error).__name__)
            finally:
                connection.close()
