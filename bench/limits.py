"""What shared limits cost: `python -m bench.limits --runs 5`, ten minutes for both databases.

The same calls through 256 slots with each kind of limit, too high to bind; the kinds take turns, so
that whatever else the machine does meets all of them. The goal: all limits within 10 % of none.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

from bench.databases import Kind
from bench.rows.calls import run_calls

_RPM = {"TASKRUNNER_RPM_OPENAI": "10000000"}
_ALL = _RPM | {"TASKRUNNER_TPM_OPENAI": "2000000000", "TASKRUNNER_DAILY_BUDGET_USD": "100000"}
KINDS = {"none": {}, "RPM": _RPM, "RPM, TPM and budget": _ALL,
         "shared answers": {"TASKRUNNER_CACHE_TTL": "600"}}  # fmt: skip


def main() -> int:
    """Exit 1 if all limits together cost more than a tenth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    options = parser.parse_args()
    wanted = options.database or ["sqlite", "postgresql"]
    is_met = True
    for kind in [kind for kind in Kind if kind.lower() in wanted]:
        wall: dict[str, list[float]] = {name: [] for name in KINDS}
        cpu: dict[str, list[float]] = {name: [] for name in KINDS}
        for _ in range(options.runs):
            for name, settings in KINDS.items():
                ran = run_calls(kind, options.calls, **settings)
                wall[name].append(ran.wall_s)
                cpu[name].append(ran.worker_cpu_ms + ran.server_cpu_ms)
        for name in KINDS:
            share = median(wall[name]) / median(wall["none"])
            runs = ", ".join(f"{one:.2f}" for one in wall[name])
            print(
                f"{kind}, {name}: {median(wall[name]):.2f} s, {share:.2f} of none, "
                f"{median(cpu[name]):.2f} ms CPU a call ({runs})"
            )
        is_met = is_met and median(wall["RPM, TPM and budget"]) <= 1.1 * median(wall["none"])
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
