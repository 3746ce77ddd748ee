"""`manage.py rebuild_stats`: add up the hourly figures anew from tasks and attempts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tasks.stats.rollup import rebuild


class Command(BaseCommand):
    help = "Add up the hourly figures of the stats page anew. Safe at any time, under load too."

    def handle(self, *args: Any, **options: Any) -> None:
        hours = rebuild()
        self.stdout.write(f"{hours} hours added up anew.")
