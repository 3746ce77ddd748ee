"""The tiles on top of the stats page: a few figures, each a way to what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.pages.links import Links
from tasks.stats import Snapshot
from tasks.stats.lanes import LaneFigures
from tasks.stats.wording import dollars, duration, lane_words
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


def build_tiles(snapshot: Snapshot, links: Links) -> list[Tile]:
    """Without the workers for readers who may not see them."""
    tiles = [_oldest(snapshot, links), _waiting(snapshot, links), _running(snapshot, links)]
    if snapshot.workers is not None:
        tiles.append(_workers(snapshot, links))
    if snapshot.lanes:
        tiles.append(_providers(snapshot.lanes, links))
    return [*tiles, _errors(snapshot, links), _cost(snapshot, links)]


def _oldest(snapshot: Snapshot, links: Links) -> Tile:
    age_s = snapshot.oldest_pending_s
    tone, note = "ok", "nothing is due"
    if age_s is not None:
        note = "keeping up" if age_s < _SLOW_S else "slots are scarce"
        tone = "ok" if age_s < _SLOW_S else "warn"
        if age_s >= _STUCK_S:
            tone, note = "bad", "is anybody working?"
    href = links.now(waiting="due", o="1")
    return Tile(label="Oldest pending", value=duration(age_s), note=note, tone=tone, href=href)


def _waiting(snapshot: Snapshot, links: Links) -> Tile:
    later = sum(snapshot.waiting.values())
    note = f"{later:,} more wait for a later moment" if later else "none waits for a later moment"
    href = links.now(waiting="due")
    return Tile(label="Waiting", value=f"{snapshot.due:,}", note=note, href=href)


def _running(snapshot: Snapshot, links: Links) -> Tile:
    running = snapshot.counts[Status.PROCESSING]
    href = links.now(status__exact="PROCESSING")
    if snapshot.capacity is None:
        return Tile(label="Running", value=f"{running:,}", note="calls in flight", href=href)
    value = f"{running:,} / {snapshot.capacity:,}"
    return Tile(label="Running", value=value, note="calls in flight / slots", href=href)


def _workers(snapshot: Snapshot, links: Links) -> Tile:
    alive = snapshot.live_workers or 0
    silent = len(snapshot.workers or ()) - alive
    note = f"{silent} silent" if silent else "all heard of lately"
    tone = "warn" if silent else "ok"
    if not alive:
        note, tone = "nobody works: start ./run or qcluster", "bad"
    return Tile(label="Workers", value=str(alive), note=note, tone=tone, href=links.workers)


def _providers(lanes: Sequence[LaneFigures], links: Links) -> Tile:
    shut = [lane for lane in lanes if lane.is_blocked]
    value = f"{len(lanes) - len(shut)} / {len(lanes)}"
    note, tone = "open for calls", "ok"
    if shut:
        note = ", ".join(f"{lane.provider}: {lane_words(lane)}" for lane in shut)
        tone = "bad" if len(shut) == len(lanes) else "warn"
    return Tile(label="Providers", value=value, note=note, tone=tone, href=links.providers)


def _errors(snapshot: Snapshot, links: Links) -> Tile:
    percent = snapshot.failed_percent
    failed = snapshot.finished[Status.FAILED]
    value = "–" if percent is None else f"{percent:g} %"
    tone = "ok" if not percent else ("bad" if percent >= _MANY_ERRORS else "warn")
    note = f"{failed:,} failed in the {snapshot.range.words}"
    href = links.ended(status__exact="FAILED")
    return Tile(label="Errors", value=value, note=note, tone=tone, href=href)


def _cost(snapshot: Snapshot, links: Links) -> Tile:
    unpriced = sum(row.unpriced for row in snapshot.providers if not row.is_mock)
    note = f"{dollars(snapshot.cost_usd)} in the {snapshot.range.words}"
    note += f"; {unpriced:,} unpriced" if unpriced else ""
    value = dollars(snapshot.cost_today_usd)
    return Tile(label="Cost today", value=value, note=note, href=links.now(finished="today"))
