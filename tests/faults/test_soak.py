"""Half a minute of `python -m tests.faults`: each kind of strike once."""

from __future__ import annotations

import pytest

from tests.faults.soak import TASKS_A_ROUND, Soak
from tests.faults.strikes import KINDS

pytestmark = [pytest.mark.processes, pytest.mark.soak]


def test_nothing_is_lost_and_no_call_is_unaccounted_for():
    with Soak.over(seed=7) as soak:
        for kind in KINDS:
            soak.strike(kind)
        *kinds, total = soak.tallies()

    assert [tally for tally in kinds if not tally.is_clean] == []
    assert (len(kinds), total.tasks, total.lost) == (len(KINDS), len(KINDS) * TASKS_A_ROUND, 0)
    assert total.is_clean
