"""Batches in the admin."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from tasks.models import Task
from tasks.services.batch_items import items_of_list
from tasks.services.batches import create_batch
from tests.admin.conftest import HOSTILE

LIST = "/admin/tasks/batch/"


@pytest.fixture
def batch(owner):
    tasks = [{"prompt": f"number {n}"} for n in range(4)]
    batch = create_batch(owner, items_of_list(tasks), options={"name": HOSTILE}).batch
    first, second = batch.tasks.order_by("pk")[:2]
    Task.objects.filter(pk=first.pk).update(status="COMPLETED", cost_usd="0.5")
    Task.objects.filter(pk=second.pk).update(status="FAILED")
    return batch


def test_the_list_shows_how_far_each_batch_is(
    operator_client, batch, owner, django_assert_max_num_queries
):
    for _ in range(5):
        create_batch(owner, items_of_list([{"prompt": "x"}]))
    with django_assert_max_num_queries(10):
        text = operator_client.get(LIST).text
    assert '<progress max="4" value="2"></progress> 2 of 4' in text
    assert "1 failed" in text
    assert "$0.5" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_the_page_of_a_batch_counts_and_links_its_tasks(operator_client, batch, make_task):
    other = make_task()
    text = operator_client.get(f"{LIST}{batch.pk}/change/").text
    assert f"?batch__id__exact={batch.pk}&amp;status__exact=FAILED" in text
    assert f'href="/api/batches/{batch.pk}/results.jsonl"' in text
    listed = operator_client.get(f"/admin/tasks/task/?batch__id__exact={batch.pk}").text
    assert "number 3" in listed
    assert f"#{other.pk}<" not in listed
    task = batch.tasks.first()
    assert f"{LIST}{batch.pk}/change/" in operator_client.get(
        f"/admin/tasks/task/{task.pk}/change/"
    ).text  # fmt: skip


@pytest.mark.parametrize(("move", "after"), [
    ("cancel", ["COMPLETED", "FAILED", "CANCELLED", "CANCELLED"]),
    ("retry", ["COMPLETED", "PENDING", "PENDING", "PENDING"]),
])  # fmt: skip
def test_a_button_moves_the_tasks_and_is_logged(operator_client, batch, move, after):
    assert operator_client.get(f"{LIST}{batch.pk}/{move}/").status_code == 405
    assert operator_client.post(f"{LIST}{batch.pk}/{move}/").status_code == 302
    assert list(batch.tasks.order_by("pk").values_list("status", flat=True)) == after
    assert LogEntry.objects.get().object_id == str(batch.pk)


def test_actions_move_the_selected_batches(operator_client, batch):
    form = {"action": "cancel_selected", "_selected_action": [batch.pk]}
    operator_client.post(LIST, form)
    assert batch.tasks.filter(status="CANCELLED").count() == 2


def test_viewers_see_but_do_not_move(staff_client, batch):
    client = staff_client("view_batch")
    text = client.get(f"{LIST}{batch.pk}/change/").text
    assert "Cancel what" not in text
    for move in ("cancel", "retry"):
        assert client.post(f"{LIST}{batch.pk}/{move}/").status_code == 403
    assert client.post(LIST, {"action": "cancel_selected", "_selected_action": [batch.pk]})
    assert not batch.tasks.filter(status="CANCELLED").exists()
    assert staff_client(username="other").get(LIST).status_code == 403


def test_a_batch_that_is_not_there_is_404(operator_client):
    assert operator_client.get(f"{LIST}999/change/").status_code == 404
    assert operator_client.post(f"{LIST}999/cancel/").status_code == 404
