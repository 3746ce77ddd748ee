"""The doors tell the audit log who came; the admin shows it and changes nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from tasks.models import ApiKey, AuditEntry, Task
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
LIST = "/admin/tasks/auditentry/"


def test_the_api_is_noted_with_its_user_and_key(owner):
    client_of(owner).post("/api/tasks/", {"prompt": "hello"})
    entry = AuditEntry.objects.get(action="task.submit")
    assert (entry.actor, entry.door, entry.key_id) == ("owner", "api", ApiKey.objects.get().pk)


def test_a_session_of_the_admin_is_noted(operator, client):
    client.force_login(operator)
    form = {"prompt": "hello", "priority": "5", "failover": "on", "form_id": "one"}
    client.post("/admin/tasks/task/add/", form)
    entries = AuditEntry.objects.exclude(door="shell").values_list("actor", "door", "key_id")
    assert list(entries) == [("operator", "admin", None)]


def test_the_pages_of_ones_own_tasks_are_a_door_of_their_own(owner, client):
    client.force_login(owner)
    form = {"prompt": "hello", "provider": "", "model": "", "priority": "5", "form_id": "one"}
    client.post("/tasks/new/", form | {"submit": "1"})
    task = Task.objects.get()
    client.post(f"/tasks/{task.pk}/cancel/")
    entries = AuditEntry.objects.filter(subject=f"task {task.pk}").order_by("pk")
    noted = list(entries.values_list("action", "actor", "door"))
    assert noted == [("task.submit", "owner", "pages"), ("task.cancel", "owner", "pages")]


def test_the_next_request_does_not_act_as_the_last(owner, client):
    client_of(owner).post("/api/tasks/", {"prompt": "hello"})
    from tasks.services import submit

    submit(owner, {"prompt": "from a shell"})
    assert AuditEntry.objects.latest("pk").door == "shell"


def test_operators_look_and_search_but_change_nothing(operator, client, owner):
    client_of(owner).post("/api/tasks/", {"prompt": "hello"})
    entry = AuditEntry.objects.get(action="task.submit")
    client.force_login(operator)
    page = client.get(LIST, {"q": entry.subject}).content.decode()
    assert "task.submit" in page
    assert "key.create" not in page
    for path in ("add/", f"{entry.pk}/delete/"):
        assert client.post(LIST + path).status_code == 403
    assert client.post(f"{LIST}{entry.pk}/change/", {"actor": "nobody"}).status_code == 403


def test_staff_without_the_permission_see_nothing(client, django_user_model):
    staff = django_user_model.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(LIST).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    assert client.get(LIST).status_code == 200
