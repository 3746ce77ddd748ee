"""The outbox: what happened, written by the transaction that made it happen."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

from django.db import models
from django.db.models.functions import Now

from tasks.vocabulary import EventType


class TransactionNumber(models.Func):
    """The number of the writing transaction; 0 on SQLite, where one transaction writes at a time
    and ids therefore come in the order of the commits."""

    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        return "0", ()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "pg_current_xact_id()::text::bigint", ()


class EventPlace(NamedTuple):
    """Where an event stands in the order in which events are read: by transaction, then by id."""

    tx: int
    id: int

    def __str__(self) -> str:
        return f"{self.tx}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` made, or `0` for the begin. Raises: ValueError for anything else."""
        if text == "0":
            return cls(0, 0)
        tx, dash, key = text.partition("-")
        if not (dash and text.isascii() and tx.isdigit() and key.isdigit() and len(text) < 40):
            raise ValueError(f"no place of an event: {text[:60]!r}")
        place = cls(int(tx), int(key))
        if max(place) >= 2**63:
            raise ValueError(f"no place of an event: {text[:60]!r}")
        return place


class Event(models.Model):
    """One thing that happened to one task, or to one batch. Never changed, pruned after a while.

    No foreign keys: an insert checks nothing, and a deleted task's events stay readable.
    """

    tx = models.BigIntegerField(db_default=TransactionNumber())
    type = models.CharField(max_length=30)
    task_id = models.BigIntegerField(null=True)
    batch_id = models.BigIntegerField(null=True)
    owner_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["tx", "id"]
        indexes: ClassVar = [
            # Of rows with a number: on SQLite there is none, and nothing to keep up to date.
            models.Index(fields=["tx", "id"], name="event_place", condition=models.Q(tx__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.type} of task {self.task_id}"

    @property
    def kind(self) -> EventType:
        return EventType(self.type)

    @property
    def place(self) -> EventPlace:
        return EventPlace(self.tx, self.pk)
