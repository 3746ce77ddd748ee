from __future__ import annotations

import pytest

from tasks.policy.alerting import Change, Standing, judge_limit


def _run(looks, *, for_s=60):
    """The changes over looks 15 s apart: `b` bad, `c` clear, `-` neither."""
    standing, changes = Standing(), []
    for n, look in enumerate(looks):
        standing, change = standing.step(
            is_bad=look == "b", is_clear=look == "c", now=1000 + 15 * n, for_s=for_s
        )
        changes.append(change)
    return [(n, change) for n, change in enumerate(changes) if change]


def test_it_fires_once_when_it_was_bad_for_long_enough():
    assert _run("bbbbbbbbb") == [(4, Change.FIRED)]


def test_a_short_spell_fires_nothing():
    assert _run("bbbbcbbbbc") == []


def test_it_resolves_once_when_it_was_clear_for_long_enough():
    assert _run("bbbbb" + "ccccccc") == [(4, Change.FIRED), (9, Change.RESOLVED)]


def test_a_figure_that_swings_about_its_limit_is_told_once():
    assert _run("bbbbb" + "cb" * 50) == [(4, Change.FIRED)]
    assert _run("bbbbb" + "-" * 50) == [(4, Change.FIRED)]


def test_without_a_duration_the_first_look_counts():
    assert _run("bc", for_s=0) == [(0, Change.FIRED), (1, Change.RESOLVED)]


@pytest.mark.parametrize(
    ("value", "judged"),
    [(None, (False, True)), (10, (True, False)), (9, (False, False)), (7.9, (False, True))],
)
def test_between_bad_and_clear_is_a_gap(value, judged):
    assert judge_limit(value, 10) == judged
