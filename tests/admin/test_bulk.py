from __future__ import annotations

from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry

from tasks.models import Task

LIST = "/admin/tasks/task/"


def _run(client, action, tasks, **data):
    data = {"action": action, "_selected_action": [task.pk for task in tasks]} | data
    return client.post(LIST, data, follow=True)


def test_what_can_be_retried_is_and_the_rest_is_told_with_reasons(
    operator_client, make_task, messages_of
):
    failed, done = make_task("FAILED"), make_task("COMPLETED")
    response = _run(operator_client, "retry_selected", [failed, done])
    good, bad = messages_of(response)
    assert good.startswith("1 task put back to PENDING")
    assert bad.startswith("1 task refused")
    assert "only FAILED or CANCELLED" in bad
    assert Task.objects.get(pk=failed.pk).status == "PENDING"
    assert LogEntry.objects.get().object_id == str(failed.pk)


def test_cancel_ends_waiting_and_running_tasks(operator_client, make_task):
    _run(operator_client, "cancel_selected", [make_task(), make_task("PROCESSING")])
    assert set(Task.objects.values_list("status", flat=True)) == {"CANCELLED"}


def test_a_priority_is_set_for_all_that_wait(operator_client, make_task, messages_of):
    tasks = [make_task(), make_task(), make_task("FAILED")]
    response = _run(operator_client, "set_priority", tasks, priority="10")
    assert messages_of(response)[0].startswith("2 tasks given priority 10")
    assert list(Task.objects.order_by("pk").values_list("priority", flat=True)) == [10, 10, 5]


@pytest.mark.parametrize("priority", ["11", "0", "-2"])
def test_a_priority_out_of_range_is_refused(operator_client, make_task, priority):
    task = make_task()
    _run(operator_client, "set_priority", [task], priority=priority)
    assert Task.objects.get(pk=task.pk).priority == 5


def test_without_a_priority_nothing_is_done(operator_client, make_task, messages_of):
    response = _run(operator_client, "set_priority", [make_task()])
    assert "Fill in" in messages_of(response)[0]


def test_the_whole_filter_can_be_meant_up_to_a_bound(operator_client, make_task, messages_of):
    tasks = [make_task() for _ in range(5)]
    with patch("tasks.admin.bulk.MOST_AT_ONCE", 3):
        response = _run(operator_client, "cancel_selected", tasks[:1], select_across="1")
    assert "Run it again" in messages_of(response)[-1]
    cancelled = Task.objects.filter(status="CANCELLED").values_list("pk", flat=True)
    assert set(cancelled) == {task.pk for task in tasks[:3]}


def test_many_refusals_are_summed_up(operator_client, make_task, messages_of):
    tasks = [make_task("COMPLETED") for _ in range(9)]
    (told,) = messages_of(_run(operator_client, "cancel_selected", tasks))
    assert told.startswith("9 tasks refused")
    assert "and 4 more such" in told


def test_actions_need_their_permission(staff_client, make_task):
    task = make_task()
    client = staff_client("view_task")
    assert "cancel_selected" not in client.get(LIST).text
    _run(client, "cancel_selected", [task])
    assert Task.objects.get(pk=task.pk).status == "PENDING"


def test_rows_cannot_be_deleted_behind_the_services_back(operator_client, make_task):
    task = make_task()
    assert "delete_selected" not in operator_client.get(LIST).text
    _run(operator_client, "delete_selected", [task], post="yes")
    assert Task.objects.filter(pk=task.pk).exists()


def test_clones_are_new_tasks_of_who_clones_and_the_originals_stay(
    operator_client, operator, make_task, messages_of
):
    tasks = [make_task("COMPLETED", prompt="one"), make_task("FAILED", prompt="two")]
    response = _run(operator_client, "clone_selected", tasks)
    assert messages_of(response)[0].startswith("2 tasks cloned")
    made = Task.objects.filter(owner=operator, status="PENDING").order_by("pk")
    assert list(made.values_list("prompt", flat=True)) == ["one", "two"]
    assert [Task.objects.get(pk=task.pk).status for task in tasks] == ["COMPLETED", "FAILED"]


def test_who_may_not_submit_may_not_clone(staff_client, make_task):
    client = staff_client("view_task", "change_task")
    _run(client, "clone_selected", [make_task()])
    assert Task.objects.count() == 1
