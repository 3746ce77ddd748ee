from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from tasks.models import Task


def _move(client, task, name, **data):
    return client.post(f"/admin/tasks/task/{task.pk}/{name}/", data, follow=True)


@pytest.mark.parametrize(
    ("status", "move", "becomes"),
    [
        ("PENDING", "cancel", "CANCELLED"),
        ("PROCESSING", "cancel", "CANCELLED"),
        ("FAILED", "retry", "PENDING"),
        ("CANCELLED", "retry", "PENDING"),
    ],
)
def test_a_button_makes_its_move_and_leaves_a_log_entry(
    operator_client, make_task, messages_of, status, move, becomes
):
    task = make_task(status)
    response = _move(operator_client, task, move)
    assert Task.objects.get(pk=task.pk).status == becomes
    assert str(task.pk) in messages_of(response)[0]
    assert LogEntry.objects.get().object_id == str(task.pk)


def test_a_move_that_came_too_late_is_refused_with_the_reason(
    operator_client, make_task, messages_of
):
    task = make_task("COMPLETED")
    response = _move(operator_client, task, "cancel")
    assert "cannot be cancelled any more" in messages_of(response)[0]
    assert Task.objects.get(pk=task.pk).status == "COMPLETED"
    assert not LogEntry.objects.exists()


def test_a_new_priority_is_set_while_the_task_waits(operator_client, make_task):
    task = make_task()
    _move(operator_client, task, "priority", priority="9")
    assert Task.objects.get(pk=task.pk).priority == 9


@pytest.mark.parametrize("priority", ["", "11", "0", "-3", "high", "9" * 30, "1.5"])
def test_a_priority_out_of_range_changes_nothing(operator_client, make_task, messages_of, priority):
    task = make_task()
    response = _move(operator_client, task, "priority", priority=priority)
    assert "priority" in messages_of(response)[0]
    assert Task.objects.get(pk=task.pk).priority == 5


def test_a_clone_is_a_new_task_of_the_one_who_cloned(operator_client, operator, make_task):
    task = make_task("COMPLETED", prompt="again")
    response = _move(operator_client, task, "clone")
    copy = Task.objects.exclude(pk=task.pk).get()
    assert (copy.prompt, copy.status, copy.owner) == ("again", "PENDING", operator)
    assert response.redirect_chain[-1][0] == f"/admin/tasks/task/{copy.pk}/change/"


@pytest.mark.parametrize("move", ["cancel", "retry", "priority", "clone"])
def test_a_move_needs_its_permission(staff_client, make_task, move):
    task = make_task("FAILED" if move == "retry" else "PENDING")
    assert _move(staff_client("view_task"), task, move, priority="9").status_code == 403
    assert _move(staff_client(username="bare"), task, move, priority="9").status_code == 403
    assert list(Task.objects.values_list("pk", "status", "priority")) == [
        (task.pk, task.status, 5)
    ]  # fmt: skip


@pytest.mark.parametrize("move", ["cancel", "retry", "priority", "clone"])
def test_a_move_is_never_made_by_a_link(operator_client, make_task, move):
    task = make_task()
    assert operator_client.get(f"/admin/tasks/task/{task.pk}/{move}/").status_code == 405


def test_a_move_without_a_csrf_token_is_refused(operator, make_task):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    task = make_task()
    assert _move(client, task, "cancel").status_code == 403
    assert Task.objects.get(pk=task.pk).status == "PENDING"


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_a_move_of_a_task_that_is_not_there_is_not_found(operator_client, number):
    assert operator_client.post(f"/admin/tasks/task/{number}/cancel/").status_code == 404


def test_an_ended_task_can_be_deleted_and_a_waiting_one_cannot(operator_client, make_task):
    ended, waiting = make_task("FAILED", tried=True), make_task()
    for task in (ended, waiting):
        operator_client.post(f"/admin/tasks/task/{task.pk}/delete/", {"post": "yes"})
    assert list(Task.objects.values_list("pk", flat=True)) == [waiting.pk]
