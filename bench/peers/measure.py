"""The rows that a peer can be measured on, by the same clocks as the project's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.effort import Effort
from bench.figure import Figure, percentile
from bench.peers.installation import PeerInstallation, peer_installation
from bench.peers.roster import Peer
from bench.processes import cpu_s, pss_mb
from bench.rows.calls import LATENCY_S, ideal_s


@dataclass(frozen=True, kw_only=True)
class PeerCalls:
    wall_s: float
    cpu_ms: float
    pss_mb: float


def measure_peer(peer: Peer, effort: Effort) -> Iterator[Figure]:
    """Slow calls, no-ops, idle pickup; as many runs as the project has."""
    count = effort.few_calls if peer.slots >= effort.few_calls / 2 else effort.stock_calls
    calls = [_run_calls(peer, count) for _ in range(effort.runs)]
    yield Figure(
        measure=f"{count:,} × 1.0 s", contestant=peer.name, unit="s",
        ideal=ideal_s(count, peer.slots), values=tuple(one.wall_s for one in calls),
        note="" if count == effort.few_calls else f"{peer.slots} at once, one for each process",
    )  # fmt: skip
    yield Figure(
        measure=f"CPU per call of {count:,}", contestant=peer.name, unit="ms",
        values=tuple(one.cpu_ms for one in calls),
    )  # fmt: skip
    yield Figure(
        measure=f"memory, {peer.slots} slots busy", contestant=peer.name, unit="MB",
        values=tuple(one.pss_mb for one in calls),
    )  # fmt: skip
    yield Figure(
        measure="no-op tasks, insert to terminal", contestant=peer.name, unit="/s", is_rate=True,
        values=tuple(_run_noops(peer, effort.peer_noops) for _ in range(effort.runs)),
        note=f"{effort.peer_noops:,} tasks a run",
    )  # fmt: skip
    pickups = [_run_pickups(peer, effort.peer_pickups) for _ in range(effort.runs)]
    for share in (0.5, 0.99):
        yield Figure(
            measure=f"idle pickup p{share * 100:.0f}", contestant=peer.name, unit="ms",
            values=tuple(percentile(run, share) for run in pickups),
            note=f"{effort.peer_pickups} samples a run",
        )  # fmt: skip


def _run_calls(peer: Peer, count: int) -> PeerCalls:
    """From the moment when the first task could be taken to the last row seen."""
    with peer_installation(peer, LATENCY_S) as running:
        with running.server_cpu() as server:
            before_s = cpu_s(running.processes + running.broker)
            visible_at = running.producer.ask(job="answer", first=1, count=count)["visible_at"]
            busy_mb = _memory_when_busy(running, min(peer.slots, count))
            ended_at = running.wait_for_end()
            spent_s = cpu_s(running.processes + running.broker) - before_s
        if running.provider.count() != count:
            raise RuntimeError(f"{running.provider.count()} calls for {count} tasks")
        return PeerCalls(
            wall_s=ended_at - visible_at,
            cpu_ms=(spent_s + server.spent_s) / count * 1000,
            pss_mb=busy_mb,
        )


def _memory_when_busy(running: PeerInstallation, slots: int) -> float:
    """Of all of its processes, the broker's left out, once all slots are taken."""
    deadline = time.monotonic() + 10
    while running.provider.counts()["max_in_flight"] < slots and time.monotonic() < deadline:
        time.sleep(0.05)
    return pss_mb(running.processes)


def _run_noops(peer: Peer, count: int) -> float:
    """Tasks a second, from the begin of the insert to the last row seen."""
    with peer_installation(peer, 0.0) as running:
        started_at = running.producer.ask(job="skip", first=1, count=count)["started_at"]
        return float(count / (running.wait_for_end() - started_at))


def _run_pickups(peer: Peer, count: int) -> list[float]:
    """Milliseconds from the return of the submit to the request's arrival."""
    with peer_installation(peer, 0.0) as running:
        order = {"job": "answer", "first": 1, "count": count, "is_paced": True}
        submitted = running.producer.ask(**order)["submitted"]
        running.wait_for_end()
        requests = running.provider.log()["requests"]
        arrived = {one["prompt"]: one["received_at"] for one in requests}
        return [(arrived[prompt] - at) * 1000 for prompt, at in submitted.items()]
