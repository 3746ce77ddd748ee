from __future__ import annotations

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
    assert watcher.poll_s == (1.0 if connection.vendor == "postgresql" else 0.012)
