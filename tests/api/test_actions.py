"""POST /api/tasks/actions/."""

from __future__ import annotations

import pytest

from tasks.models import Task
from tests.api.conftest import error_of

ACTIONS = "/api/tasks/actions/"


def test_a_dry_run_counts_and_changes_nothing(api, make_task):
    make_task(tags=["a"]), make_task(tags=["a"], set_to={"status": "COMPLETED"}), make_task()
    order = {"action": "cancel", "filter": {"tag": "a"}, "dry_run": True}
    response = api.post(ACTIONS, order)
    assert response.status_code == 200
    assert response.json() == {
        "action": "cancel", "dry_run": True, "matched": 2, "eligible": 1, "changed": 0,
    }  # fmt: skip
    assert not Task.objects.filter(status="CANCELLED").exists()


def test_without_dry_run_it_acts_on_the_whole_filter(api, make_task):
    for _ in range(3):
        make_task(set_to={"status": "FAILED"})
    make_task(set_to={"status": "CANCELLED"})
    body = api.post(ACTIONS, {"action": "retry", "filter": {"status": "FAILED"}}).json()
    assert body == {"action": "retry", "dry_run": False, "matched": 3, "eligible": 3, "changed": 3}
    assert Task.objects.filter(status="PENDING").count() == 3


def test_set_priority_takes_a_priority(api, make_task):
    task = make_task()
    order = {"action": "set_priority", "filter": {"priority__lte": 5}, "priority": 10}
    assert api.post(ACTIONS, order).json()["changed"] == 1
    task.refresh_from_db()
    assert task.priority == 10


def test_a_confirmed_count_is_kept_to(api, make_task):
    make_task(), make_task()
    order = {"action": "cancel", "filter": {}, "eligible": 1}
    assert error_of(api.post(ACTIONS, order), 409)["code"] == "INVALID_STATE"
    assert not Task.objects.filter(status="CANCELLED").exists()
    assert api.post(ACTIONS, order | {"eligible": 2}).json()["changed"] == 2


def test_a_batch_and_a_template_are_filters_of_an_action_too(api, make_task):
    make_task()
    made = api.post("/api/batches/", {"tasks": [{"prompt": "a"}, {"prompt": "b"}]}).json()
    order = {"action": "cancel", "filter": {"batch": made["id"]}}
    assert api.post(ACTIONS, order).json()["changed"] == 2
    order["filter"] = {"template": "none"}
    assert api.post(ACTIONS, order).json()["matched"] == 0


@pytest.mark.parametrize(("order", "field"), [
    ({"filter": {}}, "action"), ({"action": "cancel"}, "filter"),
    ({"action": "delete", "filter": {}}, "action"), ({"action": "cancel", "filter": []}, "filter"),
    ({"action": "cancel", "filter": None}, "filter"),
    ({"action": "cancel", "filter": {"status": "DONE"}}, "status"),
    ({"action": "cancel", "filter": {"limit": 5}}, "limit"),
    ({"action": "cancel", "filter": {"owner": 1}}, "owner"),
    ({"action": "cancel", "filter": {}, "dry_run": "no"}, "dry_run"),
    ({"action": "cancel", "filter": {}, "priority": 5}, "priority"),
    ({"action": "set_priority", "filter": {}}, "priority"),
    ({"action": "set_priority", "filter": {}, "priority": "5"}, "priority"),
    ({"action": "set_priority", "filter": {}, "priority": 2**70}, "priority"),
    ({"action": "cancel", "filter": {}, "confirm": True}, "confirm"),
    ({"action": "cancel", "filter": {}, "eligible": -1}, "eligible"),
    ({"action": "cancel", "filter": {}, "eligible": "2"}, "eligible"),
])  # fmt: skip
def test_a_bad_order_is_refused_by_name_and_nothing_is_done(api, make_task, order, field):
    make_task()
    error = error_of(api.post(ACTIONS, order), 400)
    assert list(error["fields"]) == [field]
    assert Task.objects.get().status == "PENDING"
