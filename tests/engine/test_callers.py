from __future__ import annotations

import threading
from uuid import uuid4

from tasks.engine.callers import Callers
from tasks.engine.claimed import Answer, Claimed
from tasks.errors import ServerFailed
from tasks.providers.base import CompletionRequest
from tasks.vocabulary import Provider
from tests.deployment import wait_until


def make_claimed(number: int) -> Claimed:
    return Claimed(
        task_id=number, attempt_number=number, lease_token=uuid4(), attempts=1, max_attempts=3,
        provider=Provider.MOCK, is_fallback=False, has_alternative=False,
        request=CompletionRequest(prompt="hello", model="mock-1"),
    )  # fmt: skip


def fail(claimed: Claimed) -> Answer:
    return Answer(claimed=claimed, error=ServerFailed("no"))


def test_calls_run_side_by_side_and_each_answer_comes_once():
    everyone_is_here = threading.Barrier(5, timeout=10)

    def call(claimed: Claimed) -> Answer:
        everyone_is_here.wait()
        return fail(claimed)

    callers = Callers(5, call)
    for number in range(5):
        callers.start(make_claimed(number))
    assert callers.free == 0

    answers: list[Answer] = []
    while len(answers) < 5:
        callers.wait(10)
        answers += callers.take()

    assert sorted(answer.claimed.task_id for answer in answers) == [0, 1, 2, 3, 4]
    assert (callers.free, callers.calling, callers.take()) == (5, [], [])


def test_slot_is_taken_until_its_answer_is_taken():
    callers = Callers(2, fail)
    callers.start(make_claimed(1))

    callers.wait(10)

    assert callers.free == 1
    assert len(callers.take()) == 1
    assert callers.free == 2


def test_threads_are_not_more_than_calls_ever_under_way():
    callers = Callers(100, fail)
    before = threading.active_count()
    for number in range(50):
        callers.start(make_claimed(number))
        wait_until(callers.take, 30, "the answer")

    assert threading.active_count() - before == 1


def test_more_answers_than_the_bell_holds_are_all_taken():
    callers = Callers(1, fail)
    count = 70_000  # a pipe holds 65,536 rings
    for number in range(count):
        callers.start(make_claimed(number))
    answers: list[Answer] = []

    def all_taken() -> bool:
        answers.extend(callers.take())
        return len(answers) == count

    wait_until(all_taken, 30, "all answers")
