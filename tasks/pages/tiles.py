"""The tiles on top of the stats page: six figures, each a way to the tasks behind it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from tasks.stats import Snapshot
from tasks.stats.wording import dollars, duration
from tasks.vocabulary import Status

_SLOW_S, _STUCK_S = 30, 300
_MANY_ERRORS = 10


@dataclass(frozen=True, kw_only=True)
class Tile:
    """`tone` is ok, warn or bad; the note says in words what the tone means. href may be empty."""

    label: str
    value: str
    note: str
    tone: str = "ok"
    href: str = ""


def tasks_page(**filters: str) -> str:
    """The admin's list of tasks with these filters."""
    query = f"?{urlencode(filters)}" if filters else ""
    return reverse("admin:tasks_task_changelist") + query


def build_tiles(snapshot: Snapshot, *, has_links: bool) -> list[Tile]:
    """Without the workers for readers who may not see them; links only for who may follow them."""
    tiles = [_oldest(snapshot), _waiting(snapshot), _running(snapshot), _errors(snapshot)]
    if snapshot.workers is not None:
        tiles.insert(3, _workers(snapshot))
    tiles.append(_cost(snapshot))
    return tiles if has_links else [_without_link(tile) for tile in tiles]


def _without_link(tile: Tile) -> Tile:
    return Tile(label=tile.label, value=tile.value, note=tile.note, tone=tile.tone)


def _oldest(snapshot: Snapshot) -> Tile:
    age_s = snapshot.oldest_pending_s
    tone, note = "ok", "nothing is due"
    if age_s is not None:
        note = "keeping up" if age_s < _SLOW_S else "slots are scarce"
        tone = "ok" if age_s < _SLOW_S else "warn"
        if age_s >= _STUCK_S:
            tone, note = "bad", "is anybody working?"
    href = tasks_page(waiting="due", o="1")
    return Tile(label="Oldest pending", value=duration(age_s), note=note, tone=tone, href=href)


def _waiting(snapshot: Snapshot) -> Tile:
    later = sum(snapshot.waiting.values())
    note = f"{later:,} more wait for a later moment" if later else "none waits for a later moment"
    href = tasks_page(waiting="due")
    return Tile(label="Waiting", value=f"{snapshot.due:,}", note=note, href=href)


def _running(snapshot: Snapshot) -> Tile:
    running = snapshot.counts[Status.PROCESSING]
    href = tasks_page(status__exact="PROCESSING")
    if snapshot.capacity is None:
        return Tile(label="Running", value=f"{running:,}", note="calls in flight", href=href)
    value = f"{running:,} / {snapshot.capacity:,}"
    return Tile(label="Running", value=value, note="calls in flight / slots", href=href)


def _workers(snapshot: Snapshot) -> Tile:
    alive = snapshot.live_workers or 0
    silent = len(snapshot.workers or ()) - alive
    href = reverse("admin:tasks_worker_changelist")
    note = f"{silent} silent" if silent else "all heard of lately"
    tone = "warn" if silent else "ok"
    if not alive:
        note, tone = "nobody works: start ./run or qcluster", "bad"
    return Tile(label="Workers", value=str(alive), note=note, tone=tone, href=href)


def _errors(snapshot: Snapshot) -> Tile:
    percent = snapshot.failed_percent
    failed = snapshot.finished[Status.FAILED]
    value = "–" if percent is None else f"{percent:g} %"
    tone = "ok" if not percent else ("bad" if percent >= _MANY_ERRORS else "warn")
    note = f"{failed:,} failed in the {snapshot.range.words}"
    href = tasks_page(status__exact="FAILED", finished=snapshot.range.value)
    return Tile(label="Errors", value=value, note=note, tone=tone, href=href)


def _cost(snapshot: Snapshot) -> Tile:
    unpriced = sum(row.unpriced for row in snapshot.providers if not row.is_mock)
    note = f"{dollars(snapshot.cost_usd)} in the {snapshot.range.words}"
    note += f"; {unpriced:,} unpriced" if unpriced else ""
    value = dollars(snapshot.cost_today_usd)
    return Tile(label="Cost today", value=value, note=note, href=tasks_page(finished="today"))
