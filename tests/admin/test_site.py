from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

LISTS = [
    f"/admin/tasks/{name}/"
    for name in ("task", "apikey", "worker", "batch", "prompttemplate", "providerstate",
                 "webhookendpoint", "webhookdelivery", "auditentry")
]  # fmt: skip
WRITES = [
    *(f"/admin/tasks/task/1/{move}/" for move in ("cancel", "retry", "priority", "clone")),
    *(f"/admin/tasks/batch/1/{move}/" for move in ("cancel", "retry")),
    *(f"/admin/tasks/providerstate/openai/{move}/" for move in ("pause", "resume", "open")),
    *(f"/admin/tasks/webhookendpoint/1/{move}/" for move in ("enable", "disable")),
    "/admin/tasks/webhookdelivery/1/redeliver/", "/admin/tasks/task/views/",
    *(f"/admin/tasks/{name}/add/" for name in ("task", "apikey", "prompttemplate",
                                               "webhookendpoint")),
]  # fmt: skip


def test_django_q2s_own_pages_are_gone(operator_client):
    for model in apps.get_app_config("django_q").get_models():
        assert model not in admin.site._registry
        path = f"/admin/django_q/{model._meta.model_name}/"
        assert operator_client.get(path).status_code == 404
        assert operator_client.get(f"{path}add/").status_code == 404
    assert operator_client.get("/admin/django_q/").status_code == 404
    assert "django_q" not in operator_client.get("/admin/").text.lower()


def test_they_stay_gone_when_the_admin_discovers_its_modules_again(operator_client):
    admin.autodiscover()
    assert not any(m._meta.app_label == "django_q" for m in admin.site._registry)


@pytest.mark.parametrize("path", [*LISTS, "/admin/tasks/task/add/", "/admin/tasks/apikey/add/"])
def test_staff_without_permission_are_refused(staff_client, path):
    assert staff_client().get(path).status_code == 403


def test_every_list_of_the_project_is_among_those_tried(db):
    own = {m._meta.model_name for m in admin.site._registry if m._meta.app_label == "tasks"}
    assert {path.split("/")[3] for path in LISTS} == own


@pytest.mark.parametrize("path", WRITES)
def test_nobody_writes_without_permission_or_from_another_site(staff_client, operator, path):
    assert staff_client().post(path).status_code == 403
    foreign = Client(enforce_csrf_checks=True)
    foreign.force_login(operator)
    assert foreign.post(path).status_code == 403


def test_staff_without_permission_cannot_open_a_task(staff_client, make_task):
    task = make_task()
    client = staff_client()
    for page in ("change", "history", "delete"):
        assert client.get(f"/admin/tasks/task/{task.pk}/{page}/").status_code == 403


def test_a_user_who_is_not_staff_is_sent_to_the_login(owner, make_task):
    client = Client()
    client.force_login(owner)
    for path in LISTS:
        assert client.get(path).url.startswith("/admin/login/")


def test_an_ordinary_user_logs_in_by_the_same_page_and_lands_on_the_stats(owner):
    client = Client()
    form = {"username": "owner", "password": "owner-password", "next": "/stats/"}
    assert client.post("/admin/login/?next=/stats/", form).url == "/stats/"
    assert client.get("/stats/").status_code == 200
    assert "stats page" in client.get("/admin/", follow=True).text
    assert client.post("/logout/").url == "/"
    assert client.get("/stats/").status_code == 302


def test_the_index_names_the_system_and_links_the_stats(operator_client):
    text = operator_client.get("/admin/").text
    assert "Async AI Task Runner" in text
    assert 'href="/stats/"' in text


@pytest.mark.parametrize("path", ["/admin/", "/admin/tasks/task/", "/admin/tasks/task/add/"])
def test_pages_have_a_strict_policy_and_nothing_inline(operator_client, make_task, path):
    make_task("COMPLETED", result_source="mock")
    response = operator_client.get(path)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    for inline in ("<style", " style=", " onclick=", "<script>", "javascript:"):
        assert inline not in response.text


def test_workers_are_looked_at_only(operator_client, django_user_model):
    assert operator_client.get("/admin/tasks/worker/").status_code == 200
    assert operator_client.get("/admin/tasks/worker/add/").status_code == 403
