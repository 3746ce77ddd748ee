"""Templates at the REST door: versions, previews, submits, figures."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks.models import PromptTemplate, Task, TemplateVersion
from tests.api.conftest import error_of

TEMPLATES = "/api/templates/"
TASKS = "/api/tasks/"
ORDER = {
    "name": "summarise",
    "prompt": "In {{ language }}: {{ text }}",
    "variables": [{"name": "language", "default": "English"}],
}


@pytest.fixture
def template(api: Any) -> dict[str, Any]:
    response = api.post(TEMPLATES, ORDER)
    assert response.status_code == 201, response.content
    return response.json()


def test_a_new_template_has_its_first_version(api, template):
    assert template | {"name": "summarise", "version": 1, "published": False} == template
    assert template["variables"] == [
        {"name": "language", "description": "", "default": "English"},
        {"name": "text", "description": "", "default": None},
    ]
    assert [one["version"] for one in template["versions"]] == [1]
    assert api.get(f"{TEMPLATES}{template['id']}/").json() == template
    (listed,) = api.get(TEMPLATES).json()["results"]
    assert listed == {name: value for name, value in template.items() if name != "versions"}


def test_every_edit_makes_a_new_version_and_the_old_ones_stay(api, template):
    path = f"{TEMPLATES}{template['id']}/"
    edited = api.patch(path, {"prompt": "{{ text }} in {{ tone }}"}).json()
    assert (edited["version"], edited["prompt"]) == (2, "{{ text }} in {{ tone }}")
    assert [one["name"] for one in edited["variables"]] == ["text", "tone"]
    anew = api.put(path, {"name": "summarise", "prompt": "plain", "description": "d"}).json()
    assert (anew["version"], anew["variables"], anew["description"]) == (3, [], "d")
    assert [one["prompt"] for one in anew["versions"]] == [
        "plain", "{{ text }} in {{ tone }}", ORDER["prompt"],
    ]  # fmt: skip


def test_an_edit_of_nothing_and_publishing_make_no_version(api, template):
    path = f"{TEMPLATES}{template['id']}/"
    assert api.patch(path, {"prompt": ORDER["prompt"]}).json()["version"] == 1
    body = api.patch(path, {"published": True}).json()
    assert (body["version"], body["published"]) == (1, True)
    assert body["variables"] == template["variables"]


def test_a_preview_renders_and_submits_nothing(api, template):
    path = f"{TEMPLATES}{template['id']}/render/"
    body = api.post(path, {"variables": {"text": "{{ language }} {% debug %}{0.__class__}"}}).json()
    assert body == {
        "template": "summarise@1",
        "prompt": "In English: {{ language }} {% debug %}{0.__class__}",
    }
    api.patch(f"{TEMPLATES}{template['id']}/", {"prompt": "other"})
    assert api.post(path, {"variables": {}}).json()["prompt"] == "other"
    old = api.post(path, {"variables": {"text": "x", "language": ""}, "version": 1}).json()
    assert old["prompt"] == "In : x"
    assert list(error_of(api.post(path, {"version": 9}), 400)["fields"]) == ["version"]
    assert list(error_of(api.post(path, []), 400)["fields"]) == ["non_field_errors"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("reference", ["summarise", "summarise@1", "{id}", 0])
def test_a_submit_with_a_template_is_pinned_to_its_version(api, template, reference):
    named = template["id"] if reference == 0 else reference.format(id=template["id"])
    made = api.post(TASKS, {"template": named, "variables": {"text": "news"}})
    assert made.status_code == 201, made.content
    api.patch(f"{TEMPLATES}{template['id']}/", {"prompt": "other"})
    body = api.get(made["Location"]).json()
    assert (body["prompt"], body["template"]) == ("In English: news", "summarise@1")


def test_tasks_are_found_by_their_template(api, template):
    one = api.post(TASKS, {"template": "summarise", "variables": {"text": "a"}}).json()["id"]
    api.patch(f"{TEMPLATES}{template['id']}/", {"prompt": "other"})
    two = api.post(TASKS, {"template": "summarise"}).json()["id"]
    api.post(TASKS, {"prompt": "plain"})

    def found(reference: str) -> list[int]:
        results = api.get(f"{TASKS}?template={reference}").json()["results"]
        return [task["id"] for task in results]

    assert found("summarise") == [two, one]
    assert (found("summarise@1"), found("summarise@2")) == ([one], [two])
    assert found("summarise@3") == found("summarise@x") == found("nothing") == []


@pytest.mark.parametrize(("order", "field"), [
    ({"template": "nobodys"}, "template"), ({"template": "summarise@9"}, "template"),
    ({"template": "summarise@x"}, "template"), ({"template": ""}, "template"),
    ({"template": 2**70}, "template"), ({"template": True}, "template"),
    ({"template": "a\x00"}, "template"), ({"template": "\ud800"}, "template"),
    ({"template": "summarise"}, "variables.text"),
    ({"template": "summarise", "variables": {"text": 7}}, "variables.text"),
    ({"template": "summarise", "variables": {"text": None}}, "variables.text"),
    ({"template": "summarise", "variables": {"text": "a\x00"}}, "variables.text"),
    ({"template": "summarise", "variables": {"text": "x", "txt": "y"}}, "variables.txt"),
    ({"template": "summarise", "variables": ["text"]}, "variables"),
    ({"template": "summarise", "variables": {"text": "x" * 1000}}, "prompt"),
    ({"template": "summarise", "variables": {"text": "x"}, "prompt": "y"}, "template"),
    ({"prompt": "y", "variables": {"text": "x"}}, "variables"), ({}, "prompt"),
])  # fmt: skip
def test_a_bad_submit_with_a_template_is_400_by_name(api, template, order, field):
    for path, body, place in (
        (TASKS, order, field),
        ("/api/batches/", {"tasks": [order]}, f"tasks.0.{field}"),
    ):
        response = api.generic("POST", path, json.dumps(body), content_type="application/json")
        assert list(error_of(response, 400)["fields"]) == [place]
    assert not Task.objects.exists()


def test_lines_of_a_batch_take_templates_too(api, template, django_assert_max_num_queries):
    order = {"template": "summarise", "variables": {"text": "x"}, "custom_id": "c"}
    body = (json.dumps(order) + "\n") * 300
    with django_assert_max_num_queries(20):
        api.generic("POST", "/api/batches/", body, content_type="application/x-ndjson")
    assert Task.objects.filter(template_version__number=1, prompt="In English: x").count() == 300


def test_a_key_replays_though_the_template_was_edited(api, template):
    order = {"template": "summarise", "variables": {"text": "x"}}
    first = api.post(TASKS, order, HTTP_IDEMPOTENCY_KEY="k")
    api.patch(f"{TEMPLATES}{template['id']}/", {"prompt": "other"})
    assert api.post(TASKS, order, HTTP_IDEMPOTENCY_KEY="k").content == first.content


def test_a_clone_may_take_a_template_instead(api, template, make_task):
    path = f"/api/tasks/{make_task(priority=9).pk}/clone/"
    body = api.post(path, {"template": "summarise", "variables": {"text": "x"}}).json()
    assert (body["prompt"], body["priority"]) == ("In English: x", 9)


def test_each_version_tells_how_its_tasks_did(api, template):
    start = timezone.now()
    ends = [
        {"status": "COMPLETED", "cost_usd": "0.1", "truncated": True, "started_at": start,
         "finished_at": start + timedelta(seconds=2)},
        {"status": "COMPLETED", "cost_usd": "0.2", "started_at": start,
         "finished_at": start + timedelta(seconds=4)},
        {"status": "FAILED"}, {},
    ]  # fmt: skip
    for end in ends:
        made = api.post(TASKS, {"template": "summarise", "variables": {"text": "x"}}).json()
        Task.objects.filter(pk=made["id"]).update(updated_at=start, **end)
    path = f"{TEMPLATES}{template['id']}/"
    api.patch(path, {"prompt": "other"})
    second, first = api.get(path).json()["versions"]
    assert first["stats"] == {
        "tasks": 4, "completed": 2, "failed": 1, "failed_percent": 33.3,
        "truncated_percent": 50.0, "mean_run_seconds": 3.0, "cost_usd": "0.3",
        "mean_cost_usd": "0.15",
    }  # fmt: skip
    assert second["stats"] == {
        "tasks": 0, "completed": 0, "failed": 0,
        **dict.fromkeys(("failed_percent", "truncated_percent", "mean_run_seconds", "cost_usd",
                         "mean_cost_usd")),
    }  # fmt: skip


def test_a_deleted_template_is_gone_but_its_tasks_remember_it(api, template):
    made = api.post(TASKS, {"template": "summarise", "variables": {"text": "x"}})
    path = f"{TEMPLATES}{template['id']}/"
    assert api.delete(path).status_code == 204
    for refused in (api.get(path), api.delete(path), api.patch(path, {"prompt": "x"})):
        assert error_of(refused, 404)["code"] == "TEMPLATE_NOT_FOUND"
    assert list(error_of(api.post(TASKS, {"template": "summarise"}), 400)["fields"]) == ["template"]
    assert api.get(made["Location"]).json()["template"] == "summarise@1"
    assert api.post(TEMPLATES, ORDER).status_code == 201


@pytest.mark.parametrize("change", [
    {"name": ""}, {"name": "Upper"}, {"name": "7up"}, {"name": "a@1"}, {"name": "x" * 65},
    {"name": 7}, {"name": None}, {"prompt": ""}, {"prompt": " "}, {"prompt": 7},
    {"prompt": "x" * 1001}, {"prompt": "a\x00"}, {"prompt": "\ud800"}, {"description": "x" * 501},
    {"variables": {}}, {"variables": ["a"]}, {"variables": [{"name": "a b"}]},
    {"variables": [{"name": "unused"}]}, {"variables": [{"name": "text"}, {"name": "text"}]},
    {"variables": [{"name": "text", "default": 7}]}, {"published": "yes"}, {"owner": 1},
    {"version": 7}, {"prompt": "".join(f"{{{{a{n}}}}}" for n in range(51))},
])  # fmt: skip
def test_a_bad_template_is_400_by_name(api, change):
    body = json.dumps({**ORDER, **change})
    error = error_of(api.generic("POST", TEMPLATES, body, content_type="application/json"), 400)
    assert [name.split(".")[0] for name in error["fields"]] == [next(iter(change))]
    assert not PromptTemplate.objects.exists()


def test_a_name_is_taken_once_and_for_good(api, stranger_api, template):
    assert list(error_of(api.post(TEMPLATES, ORDER), 400)["fields"]) == ["name"]
    assert stranger_api.post(TEMPLATES, ORDER).status_code == 201
    renamed = api.patch(f"{TEMPLATES}{template['id']}/", {"name": "other"})
    assert list(error_of(renamed, 400)["fields"]) == ["name"]
    assert TemplateVersion.objects.count() == 2


@pytest.mark.parametrize(("method", "door"), [
    ("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("post", "render/"),
])  # fmt: skip
def test_a_stranger_finds_no_template(api, stranger_api, template, method, door):
    body = {} if method == "get" else ORDER
    refused = getattr(stranger_api, method)(f"{TEMPLATES}{template['id']}/{door}", body)
    assert error_of(refused, 404)["code"] == "TEMPLATE_NOT_FOUND"
    assert stranger_api.get(TEMPLATES).json()["results"] == []
    theirs = stranger_api.post(TASKS, {"template": "summarise", "variables": {"text": "x"}})
    assert list(error_of(theirs, 400)["fields"]) == ["template"]
    assert stranger_api.get(f"{TASKS}?template=summarise").json()["results"] == []
