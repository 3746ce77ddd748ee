"""What processes cost, read from /proc."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def family_of(pid: int) -> list[int]:
    """A process and all of its living descendants."""
    found = [pid]
    for child in children_of(pid):
        found += family_of(child)
    return found


def children_of(pid: int) -> list[int]:
    """The living children, of all of its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split()]
    return found


def parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def title_of(pid: int) -> str:
    """The command line as the process shows it; empty once it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def cpu_s(pids: Iterable[int]) -> float:
    """User and system seconds of these processes so far; their ended children are not in it."""
    return sum(cpu_of(pid) for pid in pids)


def cpu_of(pid: int) -> float:
    """User and system seconds so far, 0 once it is gone; in steps of 10 ms on most kernels."""
    with contextlib.suppress(OSError):
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) * TICK_S
    return 0.0


def busy_percent(watch_s: float = 1.0) -> float:
    """How much of all cores together was at work in the next `watch_s` seconds."""
    busy_before, all_before = _machine_ticks()
    time.sleep(watch_s)
    busy, total = _machine_ticks()
    return (busy - busy_before) / max(1, total - all_before) * 100


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional set size in MB (10^6 bytes): shared pages are counted once over all."""
    total_kb = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total_kb += int(line.split()[1])
    return total_kb * 1024 / 1e6


def _machine_ticks() -> tuple[int, int]:
    """Ticks of all cores so far: at work, and in all. Guests are in user time already."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks itself."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
