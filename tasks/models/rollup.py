"""Finished work added up by the hour, so that a look back over 30 days reads no task.

`hour` counts from 1970, UTC. A row without an owner stands for everybody's tasks together.
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


class EndedHour(models.Model):
    """`count` tasks ended within the hour alike. The provider answered, or was tried last."""

    hour = models.IntegerField()
    owner = _owner()
    provider = models.CharField(max_length=20)
    source = models.CharField(max_length=10)
    status = models.CharField(max_length=10)
    error_code = models.CharField(max_length=40)
    count = models.IntegerField()

    class Meta:
        indexes: ClassVar = _indexes("ended")

    def __str__(self) -> str:
        return f"{self.count} {self.status} in hour {self.hour}"


class TallyHour(models.Model):
    """Tasks that ended within the hour and have something in common: `kind` is `model`, and `key`
    `provider/model` that answered, or `template` and the template's id. `run_ms` is of the
    completed."""

    hour = models.IntegerField()
    owner = _owner()
    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=130)
    completed = models.IntegerField()
    failed = models.IntegerField()
    cost_units = models.BigIntegerField()
    run_ms = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = _indexes("tally")

    def __str__(self) -> str:
        return f"{self.completed} of {self.kind} {self.key} in hour {self.hour}"


class CallHour(models.Model):
    """`count` provider calls ended within the hour, and what they used and cost."""

    hour = models.IntegerField()
    owner = _owner()
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10)
    count = models.IntegerField()
    cost_units = models.BigIntegerField()
    unpriced = models.IntegerField()
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = _indexes("calls")

    def __str__(self) -> str:
        return f"{self.count} calls of {self.provider} in hour {self.hour}"


class LatencyHour(models.Model):
    """`count` tasks that ended within the hour took so long: from 1.1^latency milliseconds on."""

    hour = models.IntegerField()
    owner = _owner()
    kind = models.CharField(max_length=4)
    provider = models.CharField(max_length=20)
    latency = models.SmallIntegerField()
    count = models.IntegerField()

    class Meta:
        indexes: ClassVar = _indexes("latency")

    def __str__(self) -> str:
        return f"{self.count} {self.kind} times of {self.provider} in hour {self.hour}"


class LatencyDay(models.Model):
    """The sum of the day's `LatencyHour` rows, of which a month has too many to read."""

    day = models.IntegerField()
    owner = _owner()
    kind = models.CharField(max_length=4)
    provider = models.CharField(max_length=20)
    latency = models.SmallIntegerField()
    count = models.IntegerField()

    class Meta:
        indexes: ClassVar = _indexes("latencyday", "day")

    def __str__(self) -> str:
        return f"{self.count} {self.kind} times of {self.provider} on day {self.day}"


class RollupProgress(models.Model):
    """One row: hours before `rolled_to` are added up, this hour and later ones are not yet."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    rolled_to = models.IntegerField()

    def __str__(self) -> str:
        return f"Rolled up to hour {self.rolled_to}"
