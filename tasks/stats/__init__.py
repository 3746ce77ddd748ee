"""The read side: figures about tasks, for the stats page and `GET /api/stats/`. Writes nothing."""

from tasks.stats.ranges import StatsRange
from tasks.stats.snapshot import Snapshot, get_snapshot, take_snapshot

__all__ = ["Snapshot", "StatsRange", "get_snapshot", "take_snapshot"]
