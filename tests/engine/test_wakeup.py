from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from tasks.engine.wakeup import Watcher, hint, open_watcher
from tests.connections import on_another_connection
from tests.deployment import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    opened = open_watcher(1.0)
    opened.has_hint()
    yield opened
    opened.close()


def test_commit_elsewhere_is_a_hint(watcher, make_task):
    def submit() -> None:
        with transaction.atomic():
            make_task()
            hint()

    on_another_connection(submit)

    wait_until(watcher.has_hint, 20, "the hint")
    assert not watcher.has_hint()


def test_rolled_back_submit_is_no_hint(watcher, make_task):
    def submit_in_vain() -> None:
        with transaction.atomic():
            make_task()
            hint()
            transaction.set_rollback(True)

    on_another_connection(submit_in_vain)

    assert not watcher.has_hint()


def test_a_quiet_database_wakes_nobody_and_a_commit_its_sleepers(watcher, make_task):
    wait_until(lambda: watcher.has_hint() or watcher.poll_s == 1.0, 20, "quiet")
    assert not is_readable(watcher)

    on_another_connection(lambda: (make_task(), hint()))

    assert is_readable(watcher)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its NOTIFY comes with the commit")
def test_after_a_write_it_looks_until_the_commit_is_there(watcher, make_task):
    wait_until(lambda: watcher.has_hint() or watcher.poll_s == 1.0, 20, "quiet")
    on_another_connection(make_task)
    watcher.has_hint()

    assert watcher.fileno() is None  # a storm of writes does not wake it at each of them
    assert watcher.poll_s < 0.02
    assert not watcher.has_hint()
    wait_until(lambda: watcher.has_hint() or watcher.poll_s == 1.0, 20, "quiet again")
    assert watcher.fileno() is not None


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its NOTIFY comes with the commit")
def test_where_the_kernel_tells_nothing_it_looks_all_the_time(monkeypatch, make_task):
    monkeypatch.setattr("tasks.engine.wakeup.INotify", refuse)
    watcher = open_watcher(1.0)

    assert watcher.fileno() is None
    assert watcher.poll_s < 0.02
    on_another_connection(make_task)
    assert watcher.has_hint()
    watcher.close()


def refuse(nonblocking: bool) -> None:
    raise OSError("too many of them")


def is_readable(watcher: Watcher) -> bool:
    return bool(select.select([watcher.fileno()], [], [], 1.0)[0])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's workers share one host")
def test_few_of_many_workers_rise_for_one_task_and_all_for_many(watcher):
    watcher.crowd = 1_000

    def risen(tasks: int | None, times: int) -> int:
        count = 0
        for _ in range(times):
            on_another_connection(lambda: hint(tasks))
            wait_until(lambda: select.select([watcher.fileno()], [], [], 0)[0], 20, "the hint")
            count += watcher.has_hint()
        return count

    assert risen(1, 100) < 20  # 0.8 on average
    assert risen(125, 3) == 3
    assert risen(None, 3) == 3
    watcher.crowd = 8
    assert risen(1, 20) == 20
