from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from tasks.engine.wakeup import Watcher, hint, open_watcher
from tests.deployment import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    opened = open_watcher(1.0)
    opened.has_hint()
    yield opened
    opened.close()


def in_another_connection(do: Callable[[], object]) -> None:
    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)


def test_commit_elsewhere_is_a_hint(watcher, make_task):
    def submit() -> None:
        with transaction.atomic():
            make_task()
            hint()

    in_another_connection(submit)

    wait_until(watcher.has_hint, 5, "the hint")
    assert not watcher.has_hint()


def test_rolled_back_submit_is_no_hint(watcher, make_task):
    def submit_in_vain() -> None:
        with transaction.atomic():
            make_task()
            hint()
            transaction.set_rollback(True)

    in_another_connection(submit_in_vain)

    assert not watcher.has_hint()


def test_only_postgres_has_a_descriptor_to_sleep_on(watcher):
    assert (watcher.fileno() is not None) == (connection.vendor == "postgresql")
    assert (watcher.poll_s == 1.0) == (connection.vendor == "postgresql")  # else it must look


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's workers share one host")
def test_few_of_many_workers_rise_for_one_task_and_all_for_many(watcher):
    watcher.crowd = 1_000

    def risen(tasks: int | None, times: int) -> int:
        count = 0
        for _ in range(times):
            in_another_connection(lambda: hint(tasks))
            wait_until(lambda: select.select([watcher.fileno()], [], [], 0)[0], 5, "the hint")
            count += watcher.has_hint()
        return count

    assert risen(1, 100) < 20  # 0.8 on average
    assert risen(125, 3) == 3
    assert risen(None, 3) == 3
    watcher.crowd = 8
    assert risen(1, 20) == 20
