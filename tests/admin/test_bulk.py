from __future__ import annotations

from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry

from tasks.models import AuditEntry, Task

LIST = "/admin/tasks/task/"


def _ask(client, action, tasks, query="", **data):
    """The page that counts."""
    data = {"action": action, "_selected_action": [task.pk for task in tasks]} | data
    return client.post(LIST + query, data, follow=True)


def _run(client, action, tasks, query="", **data):
    return _ask(client, action, tasks, query, confirmed="1", **data)


def _states(tasks):
    return [Task.objects.get(pk=task.pk).status for task in tasks]


@pytest.mark.parametrize(
    ("action", "able"),
    [
        ("retry_selected", 1), ("cancel_selected", 2), ("set_priority", 1),
        ("clone_selected", 4), ("export_csv", 4), ("export_jsonl", 4),
    ],
)  # fmt: skip
def test_every_action_counts_the_whole_filter_before_it_does_anything(
    operator_client, make_task, action, able
):
    states = ["PENDING", "PROCESSING", "FAILED", "COMPLETED"]
    tasks = [make_task(status) for status in states]
    page = _ask(operator_client, action, tasks[:1], select_across="1")
    assert (page.context["matched"], page.context["able"]) == (4, able)
    assert _states(tasks) == states
    assert Task.objects.count() == 4
    assert not LogEntry.objects.exists()


def test_the_count_keeps_to_the_filter_and_to_what_is_ticked(operator_client, make_task):
    failed = [make_task("FAILED") for _ in range(3)]
    make_task("CANCELLED")
    across = _ask(operator_client, "retry_selected", failed[:1], "?status__exact=FAILED",
                  select_across="1")  # fmt: skip
    ticked = _ask(operator_client, "retry_selected", failed[:2])
    assert (across.context["able"], ticked.context["able"]) == (3, 2)


def test_the_page_posts_what_was_counted(operator_client, make_task):
    tasks = [make_task("FAILED"), make_task("FAILED"), make_task("COMPLETED")]
    page = _ask(operator_client, "retry_selected", tasks[:2], "?status__exact=FAILED")
    assert 'action="/admin/tasks/task/?status__exact=FAILED"' in page.text
    for task in tasks[:2]:
        assert f'name="_selected_action" value="{task.pk}"' in page.text
    assert "Retry: 2 tasks" in page.text


def test_what_can_be_retried_is_and_the_rest_stays(operator_client, make_task, messages_of):
    failed, done = make_task("FAILED"), make_task("COMPLETED")
    response = _run(operator_client, "retry_selected", [failed, done])
    assert messages_of(response) == ["1 task put back to PENDING."]
    assert _states([failed, done]) == ["PENDING", "COMPLETED"]
    assert LogEntry.objects.get().object_id == str(failed.pk)
    assert AuditEntry.objects.filter(action="tasks.retry").count() == 1


def test_cancel_ends_waiting_and_running_tasks(operator_client, make_task):
    tasks = [make_task(), make_task("PROCESSING")]
    _run(operator_client, "cancel_selected", tasks)
    assert _states(tasks) == ["CANCELLED", "CANCELLED"]


def test_a_priority_is_set_for_all_that_wait(operator_client, make_task, messages_of):
    tasks = [make_task(), make_task(), make_task("FAILED")]
    response = _run(operator_client, "set_priority", tasks, priority="10")
    assert messages_of(response) == ["2 tasks given priority 10."]
    assert list(Task.objects.order_by("pk").values_list("priority", flat=True)) == [10, 10, 5]


@pytest.mark.parametrize("priority", ["11", "0", "-2", "", "ten"])
def test_a_priority_out_of_range_is_refused(operator_client, make_task, messages_of, priority):
    task = make_task()
    response = _run(operator_client, "set_priority", [task], priority=priority)
    assert "1 to 10" in messages_of(response)[0]
    assert Task.objects.get(pk=task.pk).priority == 5


def test_the_whole_filter_is_meant_when_it_is_said_so(operator_client, make_task, messages_of):
    tasks = [make_task() for _ in range(5)]
    other = make_task("PROCESSING")
    response = _run(operator_client, "cancel_selected", tasks[:1], "?status__exact=PENDING",
                    select_across="1")  # fmt: skip
    assert messages_of(response) == ["5 tasks cancelled."]
    assert _states([*tasks, other]) == ["CANCELLED"] * 5 + ["PROCESSING"]


def test_many_tasks_have_one_entry_in_the_log_that_names_the_filter(operator_client, make_task):
    tasks = [make_task("FAILED") for _ in range(3)]
    with patch("tasks.admin.bulk._LOGGED_ONE_BY_ONE", 2):
        _run(operator_client, "retry_selected", tasks[:1], "?status__exact=FAILED",
             select_across="1")  # fmt: skip
    entry = LogEntry.objects.get()
    assert entry.object_repr == "3 tasks"
    assert "status__exact=FAILED" in entry.change_message


def test_where_nothing_can_be_done_the_page_says_so(operator_client, make_task):
    page = _ask(operator_client, "cancel_selected", [make_task("COMPLETED")])
    assert "Nothing to do here" in page.text
    assert 'name="confirmed"' not in page.text


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "1"}])
def test_actions_need_their_permission(staff_client, make_task, confirmed):
    task = make_task()
    client = staff_client("view_task")
    assert "cancel_selected" not in client.get(LIST).text
    _ask(client, "cancel_selected", [task], **confirmed)
    assert _states([task]) == ["PENDING"]


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
    assert _states(tasks) == ["COMPLETED", "FAILED"]


def test_who_may_not_submit_may_not_clone(staff_client, make_task):
    client = staff_client("view_task", "change_task")
    _run(client, "clone_selected", [make_task()])
    assert Task.objects.count() == 1


def test_an_action_goes_by_number_whatever_order_the_list_was_read_in(
    operator_client, make_task, django_assert_max_num_queries
):
    tasks = [make_task("FAILED") for _ in range(3)]
    with django_assert_max_num_queries(60) as captured:
        order = {"action": "retry_selected", "_selected_action": [1], "select_across": "1"}
        operator_client.post(f"{LIST}?finished=24h", order | {"confirmed": "1"})
    assert not any('INDEXED BY "task_finished"' in query["sql"] for query in captured)
    assert _states(tasks) == ["PENDING"] * 3
