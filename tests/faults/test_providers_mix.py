"""A small run of `python -m tests.faults.providers_mix`: the faults of providers side by side."""

from __future__ import annotations

import pytest

from tests.faults.providers_mix import plan, run

pytestmark = [pytest.mark.processes, pytest.mark.soak]


def test_nothing_is_lost_or_wrongly_completed_whatever_the_providers_do() -> None:
    found = run(plan(150, seed=5, shutting=3), patience_s=300)

    assert found.lost == [], found.render()
    assert found.wrongly_completed == []
    assert found.misjudged == []
    assert found.over_bound == []
    assert found.tasks == 150
    assert sum(times for name, times in found.met.items() if name != "answer") > 80
    assert min(found.retries, found.failovers, found.parked) > 0
