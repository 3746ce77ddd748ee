"""The tasks extension: wait_for_task as a run that a client follows over any number of servers."""

from __future__ import annotations

import asyncio

import pytest

from mcp_bridge.caller import Caller
from tasks.models import Task
from tests.mcp_bridge.modern import TASKS, talk


@pytest.fixture
def run(transactional_db, owner):
    """What `action` makes of a connection of the owner's."""

    def run(action, *declares, user=owner, can_write=True):
        async def converse():
            caller = Caller(user_id=user.pk, can_write=can_write)
            async with talk(caller, *declares) as connection:
                return await action(connection)

        return asyncio.run(converse())

    return run


def _get(task_id):
    return lambda connection: connection.ask("tasks/get", taskId=str(task_id))


def _wait(task_id):
    return lambda connection: connection.call("wait_for_task", task_id=task_id)


def test_a_follower_gets_the_task_at_once_and_its_answer_from_another_server(run, make_task):
    task = make_task()
    begun = run(_wait(task.pk), TASKS)
    assert begun["resultType"] == "task"
    assert (begun["taskId"], begun["status"], begun["ttlMs"]) == (str(task.pk), "working", None)
    assert begun["pollIntervalMs"] > 0
    assert "content" not in begun
    Task.objects.filter(pk=task.pk).update(status="COMPLETED", result="42", result_source="mock")
    ended = run(_get(task.pk), TASKS)["result"]
    assert (ended["resultType"], ended["status"]) == ("complete", "completed")
    assert ended["result"]["structuredContent"]["result"] == "42"
    assert ended["result"]["isError"] is False


def test_a_task_that_has_ended_is_answered_without_detour(run, make_task):
    answer = run(_wait(make_task("COMPLETED").pk), TASKS)
    assert (answer["resultType"], answer["structuredContent"]["result"]) == ("complete", "hi")


def test_who_does_not_follow_waits_as_ever(run, make_task):
    task = make_task("COMPLETED")
    assert run(_wait(task.pk))["resultType"] == "complete"
    error = run(_get(task.pk))["error"]
    assert error["code"] == -32021
    assert error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("PENDING", "working"), ("PROCESSING", "working"), ("COMPLETED", "completed"),
        ("FAILED", "completed"), ("CANCELLED", "cancelled"),
    ],
)  # fmt: skip
def test_every_state_has_its_standing_and_only_an_ended_run_a_result(
    run, make_task, status, standing
):
    followed = run(_get(make_task(status).pk), TASKS)["result"]
    assert followed["status"] == standing
    assert ("result" in followed) == (standing == "completed")


def test_a_failed_task_ends_with_what_went_wrong(run, make_task):
    followed = run(_get(make_task("FAILED").pk), TASKS)["result"]
    task = followed["result"]["structuredContent"]["task"]
    assert (task["status"], task["error"]["code"]) == ("FAILED", "timeout")


def test_a_follower_cancels_and_cancelling_again_changes_nothing(run, make_task):
    task = make_task()

    async def cancel_twice(connection):
        acknowledged = [await connection.ask("tasks/cancel", taskId=str(task.pk)) for _ in range(2)]
        return acknowledged, await connection.ask("tasks/get", taskId=str(task.pk))

    acknowledged, got = run(cancel_twice, TASKS)
    for answer in acknowledged:
        assert set(answer["result"]) == {"resultType", "_meta"}
    assert got["result"]["status"] == "cancelled"
    task.refresh_from_db()
    assert task.status == "CANCELLED"


@pytest.mark.parametrize("method", ["get", "update", "cancel"])
@pytest.mark.parametrize("task_id", ["theirs", "999999", "x", "", "-1", "9" * 30])
def test_what_is_not_ones_own_does_not_exist(run, stranger, make_task, method, task_id):
    theirs = make_task(owner=stranger)
    task_id = str(theirs.pk) if task_id == "theirs" else task_id

    async def ask(connection):
        more = {"inputResponses": {}} if method == "update" else {}
        return await connection.ask(f"tasks/{method}", taskId=task_id, **more)

    assert run(ask, TASKS)["error"]["code"] == -32602
    theirs.refresh_from_db()
    assert theirs.status == "PENDING"


def test_a_reader_follows_but_does_not_cancel(run, make_task):
    task = make_task()
    assert run(_get(task.pk), TASKS, can_write=False)["result"]["status"] == "working"

    async def cancel(connection):
        return await connection.ask("tasks/cancel", taskId=str(task.pk))

    error = run(cancel, TASKS, can_write=False)["error"]
    assert error["data"] == {"code": "NOT_PERMITTED"}
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_a_task_is_promised_for_as_long_as_the_operator_keeps_it(run, make_task, settings):
    settings.TASKRUNNER_RETENTION_DAYS = 7
    assert run(_get(make_task().pk), TASKS)["result"]["ttlMs"] == 7 * 24 * 3_600_000


@pytest.mark.parametrize(
    ("more", "code"),
    [({"timeout_seconds": 46}, "VALIDATION_ERROR"), ({"task_id": 999999}, "TASK_NOT_FOUND")],
)
def test_a_bad_argument_is_refused_in_words_the_model_can_read(run, make_task, more, code):
    arguments = {"task_id": make_task().pk} | more
    refused = run(lambda connection: connection.call("wait_for_task", **arguments), TASKS)
    assert refused["isError"] is True
    assert code in refused["content"][0]["text"]


def test_only_clients_that_can_use_it_are_told_of_the_extension(open_desk, owner):
    async def extensions(client):
        return client.server_capabilities.extensions

    assert open_desk(owner, mode="legacy").do(extensions) is None
    assert TASKS in open_desk(owner, mode="auto").do(extensions)
