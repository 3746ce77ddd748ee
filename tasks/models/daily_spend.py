"""What a UTC day has cost all workers together, reservations of running calls included."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from tasks.models.rollup import UNITS_A_DOLLAR


class DailySpend(models.Model):
    """One row a day on which a budget was set. Whole units, so that sums are exact everywhere."""

    day = models.DateField(primary_key=True)
    committed_units = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "day's spending"
        verbose_name_plural = "daily spending"

    def __str__(self) -> str:
        return f"{self.committed_usd} USD on {self.day}"

    @property
    def committed_usd(self) -> Decimal:
        return Decimal(self.committed_units) / UNITS_A_DOLLAR
