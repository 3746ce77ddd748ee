"""What there is to measure, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.peers.measure import measure_peer
from bench.peers.roster import PEERS
from bench.rows import batch, calls, claim, door, idle, lists, memory, noop, order, pickup

OwnRow = Callable[[Kind, Effort], Iterator[Figure]]
PeerRow = Callable[[Effort], Iterator[Figure]]

OWN_ROWS: Mapping[str, OwnRow] = {
    "calls": calls.measure_few,
    "many-calls": calls.measure_many,
    "noop": noop.measure,
    "pickup": pickup.measure,
    "memory": memory.measure,
    "idle": idle.measure,
    "claim": claim.measure,
    "order": order.measure,
    "batch": batch.measure,
    "door": door.measure,
    "lists": lists.measure,
}
PEER_ROWS: Mapping[str, PeerRow] = {
    peer.name.lower(): partial(measure_peer, peer) for peer in PEERS
}
# The table's lines, whatever the order in which they were measured.
MEASURES = (
    "500 × 1.0 s", "5,000 × 1.0 s", "20 × 1.0 s", "CPU per call of 500", "CPU per call of 5,000",
    "CPU per call of 20",
    "no-op tasks, insert to terminal", "CPU per no-op task",
    "idle pickup p50", "idle pickup p99", "memory, 256 slots busy", "memory, 4 slots busy",
    "idle CPU",
    "claim of 128 behind history", "20 priorities × 4 processes: overtaken",
    "claim of 128 behind history", "20 priorities × 4 processes: overtaken",
    "batch of 50,000 lines", "memory for that batch",
    "single submits", "single submits beside the smallest view", "GET detail",
    "GET detail beside the smallest view", "submit by 64 clients p50", "submit by 64 clients p99",
    "page of 50 of 1,000,000, median of all filters", "page of 50 of 1,000,000, slowest filter",
)  # fmt: skip


def in_order(figures: list[Figure]) -> list[Figure]:
    """Known measures first, as listed; the contestants as they come in the plan."""
    contestants = [*Kind, *(peer.name for peer in PEERS)]
    places = {measure: place for place, measure in enumerate(MEASURES)}
    return sorted(
        figures,
        key=lambda one: (places.get(one.measure, 99), contestants.index(one.contestant)),
    )
