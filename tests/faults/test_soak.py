"""A minute of `python -m tests.faults`: each kind of kill, twice."""

from __future__ import annotations

import pytest

from tests.faults.soak import KINDS, Soak, Tally

pytestmark = [pytest.mark.processes, pytest.mark.soak]


def test_nothing_is_lost_and_no_call_is_unaccounted_for():
    tallies = [Tally(kind=kind) for kind in KINDS]
    with Soak.over(seed=7) as soak:
        for _ in range(2):
            for tally in tallies:
                soak.run(tally.kind, tally)

    assert [tally for tally in tallies if not tally.is_clean] == []
    assert sum(tally.tasks for tally in tallies) == 2 * len(tallies) * 24
