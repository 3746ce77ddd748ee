from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from tasks import services
from tasks.engine.claim import claim
from tasks.engine.rescue import rescue
from tasks.engine.settle import settle_each
from tasks.engine.verdict import Verdict
from tasks.models import Attempt, Task
from tasks.vocabulary import Outcome, Status

pytestmark = pytest.mark.django_db(transaction=True)


def verdict_for(claimed, **fields) -> Verdict:
    defaults = {
        "task_id": claimed.task_id,
        "attempt_number": claimed.attempt_number,
        "lease_token": claimed.lease_token,
        "provider": claimed.provider.value,
        "status": Status.COMPLETED,
        "outcome": Outcome.SUCCEEDED,
        "attempts": claimed.attempts,
        "result": "an answer",
        "result_source": "provider",
        "cost_usd": Decimal("0.0000012345"),
        "prompt_tokens": 3,
    }
    return Verdict(**(defaults | fields))


def only_attempt(task: Task) -> Attempt:
    return Attempt.objects.get(task=task)


def test_result_is_written_on_task_and_attempt(make_task):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed

    settle_each([verdict_for(claimed)])

    task.refresh_from_db()
    assert (task.status, task.result, task.cost_usd) == (
        "COMPLETED", "an answer", Decimal("0.0000012345"),
    )  # fmt: skip
    assert task.finished_at is not None
    assert (task.lease_token, task.lease_expires_at) == (None, None)
    attempt = only_attempt(task)
    assert (attempt.outcome, attempt.prompt_tokens) == ("succeeded", 3)
    assert attempt.cost_usd == Decimal("0.0000012345")


def test_retry_waits_with_its_reason(make_task):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed

    settle_each([verdict_for(
        claimed, status=Status.PENDING, outcome=Outcome.FAILED, wake_in_s=60, result=None,
        waiting_reason="server_error from openai", error_code="server_error", message="500",
    )])  # fmt: skip

    task.refresh_from_db()
    assert (task.status, task.waiting_reason) == ("PENDING", "server_error from openai")
    assert task.wake_at is not None
    assert (task.finished_at, task.error_code) == (None, "")
    assert only_attempt(task).error_code == "server_error"


def test_late_result_after_cancel_is_discarded(make_task, owner):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed
    services.cancel(owner, task.pk)

    settle_each([verdict_for(claimed)])

    task.refresh_from_db()
    assert (task.status, task.result) == ("CANCELLED", None)
    attempt = only_attempt(task)
    assert (attempt.outcome, attempt.is_late, attempt.prompt_tokens) == ("cancelled", True, 3)


def test_late_result_after_rescue_is_discarded_but_its_cost_is_known(make_task):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed
    Task.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    assert rescue() == 1

    settle_each([verdict_for(claimed)])

    task.refresh_from_db()
    assert (task.status, task.result) == ("PENDING", None)
    attempt = only_attempt(task)
    assert (attempt.outcome, attempt.is_late) == ("succeeded", True)
    assert attempt.cost_usd == Decimal("0.0000012345")


def test_verdict_settled_twice_changes_nothing_the_second_time(make_task):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed
    settle_each([verdict_for(claimed)])
    first = (Task.objects.values().get(), Attempt.objects.values().get())

    settle_each([verdict_for(claimed, result="another")])

    assert (Task.objects.values().get(), Attempt.objects.values().get()) == first
    assert task.pk == first[0]["id"]


def test_foreign_lease_is_not_touched(make_task):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed

    settle_each([verdict_for(claimed, lease_token=uuid4())])

    task.refresh_from_db()
    assert task.status == "PROCESSING"


def test_answer_that_the_database_refuses_fails_alone(make_task):
    good, bad = make_task(), make_task()
    first, second = claim(2, "worker").claimed

    settle_each([
        verdict_for(first),
        verdict_for(second, prompt_tokens=-1),
    ])  # fmt: skip

    good.refresh_from_db()
    bad.refresh_from_db()
    assert good.status == "COMPLETED"
    assert (bad.status, bad.error_code) == ("FAILED", "unstorable")
