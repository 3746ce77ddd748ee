"""Tasks whose provider asks for a wait: who waits, and for what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.errors import ServerFailed
from tasks.vocabulary import Provider
from tests.engine.calling import (
    answer,
    backoff_is_over,
    claim_all,
    configure,
    state,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("openai_alone")]


def test_server_that_asks_for_a_wait_is_left_alone_by_all_and_holds_no_task(ask, settings):
    configure(settings, "openai", "deepseek")
    failed = ask()
    answer(claim_all()[0], ServerFailed("503", http_status=503, retry_after_s=9999.0))
    newcomer = ask()
    loyal = ask(failover=False)

    backoff_is_over()
    claimed = {one.task_id: one.provider for one in claim_all()}

    assert claimed == {newcomer.pk: Provider.DEEPSEEK, failed.pk: Provider.DEEPSEEK}
    loyal.refresh_from_db()
    failed.refresh_from_db()
    assert loyal.wake_at > timezone.now() + timedelta(seconds=9000)
    assert loyal.waiting_reason == "openai: server_error from openai"
    assert failed.attempts == 2  # it did its work, and failed


def test_last_failure_of_a_task_tells_the_others_to_wait_too(ask):
    ask(attempts=4)
    answer(claim_all()[0], ServerFailed("503", http_status=503, retry_after_s=40.0))
    ask()

    assert claim_all() == []
    assert state().deferred_until > timezone.now() + timedelta(seconds=35)
