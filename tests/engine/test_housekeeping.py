from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine import housekeeping
from tasks.engine.housekeeping import keep_house, register_chore
from tasks.models import ChoreTurn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def done(monkeypatch):
    """What was done, by name; only the test's own chores are registered."""
    monkeypatch.setattr(housekeeping, "_chores", {})
    names: list[str] = []
    register_chore("sweep", interval_s=60, do=lambda: names.append("sweep"))
    return names


def _make_due(seconds_ago=1.0):
    ChoreTurn.objects.update(due_at=timezone.now() - timedelta(seconds=seconds_ago))


def test_a_chore_is_done_once_an_interval_however_many_keep_house(done):
    for _ in range(4):
        keep_house()
    assert done == ["sweep"]
    _make_due()
    keep_house()
    keep_house()
    assert done == ["sweep", "sweep"]


def test_the_patient_step_in_only_where_nobody_else_did(done):
    keep_house()
    _make_due(seconds_ago=10)
    keep_house(patience_s=20)
    assert done == ["sweep"]
    _make_due(seconds_ago=30)
    keep_house(patience_s=20)
    assert done == ["sweep", "sweep"]


def test_a_chore_that_fails_keeps_no_other_from_its_turn(done):
    def fail():
        raise RuntimeError

    register_chore("broken", interval_s=60, do=fail)
    keep_house()
    keep_house()
    assert done == ["sweep"]
    assert ChoreTurn.objects.get(name="broken").due_at > timezone.now()


def test_a_turn_of_another_version_is_left_alone(done):
    ChoreTurn.objects.create(name="gone", due_at=timezone.now() - timedelta(days=1))
    keep_house()
    assert done == ["sweep"]
