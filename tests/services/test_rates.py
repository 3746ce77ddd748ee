"""Counting events in windows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache

from tasks.services.rates import count_event, forget_events


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    cache.clear()
    moment = {"now": 1_800_000_010.0}
    monkeypatch.setattr("tasks.services.rates.time.time", lambda: moment["now"])
    return moment


def test_events_are_counted_until_the_window_ends(clock):
    assert count_event("a", 60) == (1, 50.0)
    assert count_event("a", 60) == (2, 50.0)
    assert count_event("a", 60, amount=0) == (2, 50.0)
    clock["now"] += 50
    assert count_event("a", 60) == (1, 60.0)


def test_names_do_not_mix():
    count_event("a", 60)
    assert count_event("a b\x00\ud800" + "x" * 1000, 60)[0] == 1


def test_a_forgotten_name_starts_from_zero():
    count_event("a", 60)
    forget_events("a", 60)
    assert count_event("a", 60)[0] == 1


def test_simultaneous_events_are_all_counted():
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: count_event("a", 60), range(400)))
    assert count_event("a", 60, amount=0)[0] == 400
