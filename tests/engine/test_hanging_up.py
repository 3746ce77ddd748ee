"""A cancelled task's call gives its slot back long before it would have ended."""

from __future__ import annotations

import pytest

from tasks import services
from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.callers import Callers
from tasks.engine.claim import claim
from tasks.engine.hanging_up import hang_up_cancelled
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.models import Attempt, ProviderState, Task
from tests.deployment import wait_until
from tests.fakes.behaviour import Behaviour, Fault
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancelled_call_frees_its_slot_and_its_attempt_says_cancelled(make_task, owner, settings):
    with FakeProvider() as fake:
        settings.TASKRUNNER_PROVIDERS = settings.TASKRUNNER_PROVIDERS | {
            "openai": {"api_keys": ["key"], "base_url": fake.base_url("openai"),
                       "default_model": "", "models": []},
        }  # fmt: skip
        fake.script(Behaviour(fault=Fault.HANG), prompt_contains="hang", repeat=True)
        for _ in range(2):
            make_task(provider="openai", model="gpt-6-luna", prompt="hang")
        callers = Callers(2, Caller(get_conf()))
        calls = claim(2, "worker").claimed
        for call in calls:
            callers.start(call)
        wait_until(lambda: fake.count() == 2, 30, "both calls")
        hang_up_cancelled(callers.calling)
        assert callers.free == 0

        services.cancel(owner, calls[0].task_id)
        hang_up_cancelled(callers.calling)

        callers.wait(10)
        answers = callers.take()
        assert [one.claimed.task_id for one in answers] == [calls[0].task_id]
        assert callers.free == 1
        settle_each([judge(one, get_conf(), lambda: 0.5) for one in answers])
        calls[1].request.hang_up.order()  # so that its thread ends with the test

    attempt = Attempt.objects.get(task=calls[0].task_id)
    assert (attempt.outcome, attempt.error_code, attempt.is_late) == (
        "cancelled", "cancelled", False,
    )  # fmt: skip
    assert attempt.message == "The task was cancelled: the call to openai ended."
    assert Task.objects.get(pk=calls[0].task_id).status == "CANCELLED"
    assert not ProviderState.objects.exists()
