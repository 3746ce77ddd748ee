from __future__ import annotations

import pytest

from tasks.models import Task

WRITERS = ("create_task", "cancel_task", "retry_task")


def test_a_reader_sees_only_tools_that_read(open_desk, owner, era):
    desk = open_desk(owner, can_write=False, mode=era)
    tools = desk.do(lambda client: client.list_tools()).tools
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert not {tool.name for tool in tools} & set(WRITERS)


@pytest.mark.parametrize("tool", WRITERS)
def test_a_reader_who_writes_all_the_same_is_refused(open_desk, owner, make_task, tool):
    task = make_task("FAILED")
    desk = open_desk(owner, can_write=False)
    arguments = {"prompt": "hello"} if tool == "create_task" else {"task_id": task.pk}
    assert desk.refusal(tool, **arguments)[0] == "NOT_PERMITTED"
    assert [row.status for row in Task.objects.all()] == ["FAILED"]


def test_a_reader_reads(open_desk, owner, make_task):
    task = make_task("COMPLETED")
    desk = open_desk(owner, can_write=False)
    assert desk.ask("get_task_result", task_id=task.pk)["result"] == "hi"


def test_a_user_who_was_switched_off_is_refused_from_then_on(desk, owner, make_task):
    make_task()
    assert desk.ask("list_tasks")["total"] == 1
    owner.is_active = False
    owner.save()
    assert desk.refusal("list_tasks")[0] == "NOT_PERMITTED"


def test_more_calls_than_a_key_has_a_minute_are_refused_with_the_wait(open_desk, owner):
    desk = open_desk(owner, key_id=owner.pk, calls_a_minute=2)
    codes = [desk.call("list_tasks").is_error for _ in range(2)]
    assert codes == [False, False]
    code, message = desk.refusal("list_tasks")
    assert code == "RATE_LIMITED"
    assert " s." in message
