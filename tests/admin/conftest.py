"""Staff of all kinds, logged in, and tasks for them to look at."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from tasks.models import Attempt, Task
from tasks.services import submit

HOSTILE = "<script>alert(1)</script> {% debug %} {{ settings.SECRET_KEY }} {0.__class__}"


def _client(user) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(user)
    return client


@pytest.fixture
def staff_client(db, django_user_model):
    """A client of a new staff user with these permissions, `view_task` and so on."""

    def make(*codenames, username="clerk"):
        user = django_user_model.objects.create_user(username, password="p", is_staff=True)
        found = Permission.objects.filter(codename__in=codenames, content_type__app_label="tasks")
        user.user_permissions.set(found)
        assert user.user_permissions.count() == len(codenames)
        return _client(user)

    return make


@pytest.fixture
def operator_client(operator):
    return _client(operator)


@pytest.fixture
def make_task(owner):
    """A task in a state, as services and the engine would have left it."""

    def make(status="PENDING", *, tried=False, **values):
        prompt = values.pop("prompt", "hello")
        task = submit(owner, {"prompt": prompt, "provider": "mock"}).task
        if status in ("COMPLETED", "FAILED", "CANCELLED"):
            values = {"started_at": timezone.now(), "finished_at": timezone.now()} | values
        if status == "FAILED":
            values = {"error_code": "timeout", "error_message": "too slow"} | values
        if status == "COMPLETED":
            values = {"result": "the answer", "result_source": "provider"} | values
        Task.objects.filter(pk=task.pk).update(status=status, **values)
        if tried:
            Attempt.objects.create(
                task=task, number=1, provider="openai", model="gpt-6-luna", worker="w",
                lease_token=uuid.uuid4(), outcome="failed", error_code="server_error",
                message=HOSTILE, http_status=503, request_id="req_1",
                started_at=timezone.now(), finished_at=timezone.now(),
            )  # fmt: skip
        task.refresh_from_db()
        return task

    return make


@pytest.fixture
def messages_of():
    """The messages that a response, after its redirects, shows."""

    def read(response):
        return [str(message) for message in response.context["messages"]]

    return read
