"""Finished work added up by the hour and by the day: a look back over 30 days reads no task.

`hour` and `day` count from 1970, UTC. A row without an owner stands for everybody's tasks together.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

UNITS_A_DOLLAR = 10**10
"""Costs are whole units, so that sums are exact on every database: 1 is 0.0000000001 USD."""


def _indexes(name: str, period: str = "hour") -> list[models.Index]:
    return [
        models.Index(fields=["owner", period], name=f"{name}_owner_period"),
        models.Index(fields=[period], name=f"{name}_period"),
    ]


def _owner() -> Any:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,  # the index on owner and hour begins with it
    )


class _Hourly(models.Model):
    hour = models.IntegerField()
    owner = _owner()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.hour}"


class _Daily(models.Model):
    """The sums of a day's rows by the hour, of which a month has too many to read at once."""

    day = models.IntegerField()
    owner = _owner()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.day}"


class _Ended(models.Model):
    """`count` tasks ended alike. The provider answered, or was tried last."""

    provider = models.CharField(max_length=20)
    source = models.CharField(max_length=10)
    status = models.CharField(max_length=10)
    error_code = models.CharField(max_length=40)
    count = models.IntegerField()

    class Meta:
        abstract = True


class EndedHour(_Hourly, _Ended):
    class Meta:
        indexes: ClassVar = _indexes("ended")


class EndedDay(_Daily, _Ended):
    class Meta:
        indexes: ClassVar = _indexes("endedday", "day")


class _Tally(models.Model):
    """Tasks that ended and have something in common: `kind` is `model`, and `key`
    `provider/model` that answered; or `template` and the template's id; or `saved`, for answers
    used again, whose `cost_units` they would have cost. `run_ms` is of the completed."""

    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=130)
    completed = models.IntegerField()
    failed = models.IntegerField()
    cost_units = models.BigIntegerField()
    run_ms = models.BigIntegerField()

    class Meta:
        abstract = True


class TallyHour(_Hourly, _Tally):
    class Meta:
        indexes: ClassVar = _indexes("tally")


class TallyDay(_Daily, _Tally):
    class Meta:
        indexes: ClassVar = _indexes("tallyday", "day")


class _Call(models.Model):
    """`count` provider calls ended, and what they used and cost."""

    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10)
    count = models.IntegerField()
    cost_units = models.BigIntegerField()
    unpriced = models.IntegerField()
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()

    class Meta:
        abstract = True


class CallHour(_Hourly, _Call):
    class Meta:
        indexes: ClassVar = _indexes("calls")


class CallDay(_Daily, _Call):
    class Meta:
        indexes: ClassVar = _indexes("callsday", "day")


class _Latency(models.Model):
    """`count` tasks that ended took so long: from 1.1^latency milliseconds on."""

    kind = models.CharField(max_length=4)
    provider = models.CharField(max_length=20)
    latency = models.SmallIntegerField()
    count = models.IntegerField()

    class Meta:
        abstract = True


class LatencyHour(_Hourly, _Latency):
    class Meta:
        indexes: ClassVar = _indexes("latency")


class LatencyDay(_Daily, _Latency):
    class Meta:
        indexes: ClassVar = _indexes("latencyday", "day")


class RollupProgress(models.Model):
    """One row: hours before `rolled_to` are added up, this hour and later ones are not yet."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    rolled_to = models.IntegerField()

    def __str__(self) -> str:
        return f"Rolled up to hour {self.rolled_to}"
