from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry

from tasks.models import Task

ADD = "/admin/tasks/task/add/"


def _form(**values):
    return {"prompt": "hello", "priority": "5", "failover": "on", "form_id": "one"} | values


def test_a_submitted_form_is_a_pending_task_of_the_one_who_sent_it(operator_client, operator):
    response = operator_client.post(ADD, _form(
        prompt="line one\r\nline two", provider="mock", priority="8", system="be short",
        max_tokens="50", temperature="0.5", tags="a, b ,,a", run_after="2099-01-02T03:04",
    ))  # fmt: skip
    task = Task.objects.get()
    assert response.url == f"/admin/tasks/task/{task.pk}/change/"
    assert (task.owner, task.status, task.prompt) == (operator, "PENDING", "line one\nline two")
    assert (task.provider, task.priority, task.system) == ("mock", 8, "be short")
    assert (task.max_tokens, task.temperature, task.tags) == (50, 0.5, ["a", "b"])
    assert task.run_after == datetime(2099, 1, 2, 3, 4, tzinfo=UTC)
    assert task.failover is True
    assert LogEntry.objects.get().object_id == str(task.pk)


def test_an_unchecked_failover_is_off(operator_client):
    form = _form()
    del form["failover"]
    operator_client.post(ADD, form)
    assert Task.objects.get().failover is False


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "x" * 1001}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"priority": "11"}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": "mock", "model": "no-such-model"}, "model"),
        ({"max_tokens": "0"}, "max_tokens"),
        ({"temperature": "3"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"run_after": "tomorrow"}, "run_after"),
        ({"tags": "x" * 51}, "tags"),
    ],
)
def test_a_broken_rule_is_told_at_its_field_and_nothing_is_made(operator_client, values, field):
    response = operator_client.post(ADD, _form(**values))
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert not Task.objects.exists()


def test_a_provider_that_is_not_configured_is_named_with_its_variable(operator_client, settings):
    settings.TASKRUNNER_MOCK = "never"
    assert "not configured: set OPENAI_API_KEY" in operator_client.get(ADD).text
    response = operator_client.post(ADD, _form(provider="openai"))
    (rule,) = response.context["adminform"].form.errors["provider"]
    assert "OPENAI_API_KEY" in rule


def test_a_double_click_is_one_task(operator_client):
    first = operator_client.post(ADD, _form())
    second = operator_client.post(ADD, _form())
    assert (first.url, Task.objects.count()) == (second.url, 1)
    assert LogEntry.objects.count() == 1


def test_the_same_form_with_another_text_is_refused_with_the_way_out(operator_client):
    operator_client.post(ADD, _form())
    response = operator_client.post(ADD, _form(prompt="another"))
    assert "sent already" in str(response.context["adminform"].form.non_field_errors())
    assert Task.objects.count() == 1


def test_every_new_form_has_an_id_of_its_own(operator_client):
    ids = {re.search(r'name="form_id" value="([^"]+)"', operator_client.get(ADD).text)[1]
           for _ in range(2)}  # fmt: skip
    assert len(ids) == 2


def test_accepted_model_names_are_suggested(operator_client):
    text = operator_client.get(ADD).text
    assert '<datalist id="model-names">' in text
    assert '<option value="deepseek-flash">' in text


def test_whoever_may_not_look_is_sent_to_the_index_after_a_submit(staff_client):
    client = staff_client("add_task")
    assert client.post(ADD, _form()).url == "/admin/"
    assert Task.objects.count() == 1
