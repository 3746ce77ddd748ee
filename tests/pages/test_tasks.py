"""One's own tasks: submitted with the cost known, followed live, cancelled; nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from datetime import timezone as offset
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from tasks.models import Task
from tasks.services import submit
from tasks.services.templates import create_template

FORM = {"prompt": "Say hello", "provider": "", "model": "", "priority": "7", "form_id": "f-1"}


@pytest.fixture
def client_of():
    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def openai(settings):
    own = settings.TASKRUNNER_PROVIDERS
    settings.TASKRUNNER_PROVIDERS = own | {"openai": own["openai"] | {"api_keys": ["k"]}}


def test_the_cost_is_told_before_anything_is_sent(client_of, owner, openai):
    asked = FORM | {"provider": "openai", "model": "gpt-6.1-sol", "max_tokens": "1000"}
    text = client_of(owner).post("/tasks/new/", asked | {"estimate": "1"}).text
    # 9 bytes in at $2, 1,000 tokens out at $10 a million
    assert "At most about $0.0100 a call of openai / gpt-6.1-sol." in text
    assert not Task.objects.exists()


def test_the_mock_costs_nothing_and_says_so(client_of, owner):
    text = client_of(owner).post("/tasks/new/", FORM | {"estimate": "1"}).text
    assert "Nothing: the mock answers" in text


def test_a_submit_leads_to_the_page_of_the_task(client_of, owner):
    client = client_of(owner)
    response = client.post("/tasks/new/", FORM | {"submit": "1"}, follow=True)
    task = Task.objects.get()
    assert (task.owner, task.priority, task.prompt) == (owner, 7, "Say hello")
    assert response.redirect_chain == [(f"/tasks/{task.pk}/", 302)]
    assert "waits for a free slot of a worker. Number 1 in line." in response.text
    assert f'href="/tasks/{task.pk}/"' in client.get("/tasks/").text


def test_a_double_click_is_one_task(client_of, owner):
    client = client_of(owner)
    for _ in range(2):
        client.post("/tasks/new/", FORM | {"submit": "1"})
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("prompt", "x" * 1001, "1000"), ("priority", "11", "10"), ("model", "gpt-0", "no model"),
     ("prompt", "", "required")],
)  # fmt: skip
def test_bad_input_is_refused_beside_its_field(client_of, owner, openai, field, value, words):
    asked = FORM | {"provider": "openai", field: value, "submit": "1"}
    response = client_of(owner).post("/tasks/new/", asked)
    assert response.status_code == 400
    assert words in " ".join(response.context["form"].errors[field])
    assert not Task.objects.exists()


def test_the_page_of_somebody_elses_task_is_not_there(client_of, owner, stranger):
    task = submit(owner, {"prompt": "mine"}).task
    client = client_of(stranger)
    for path in (f"/tasks/{task.pk}/", f"/tasks/{task.pk}/part/"):
        assert client.get(path).status_code == 404
    assert client.post(f"/tasks/{task.pk}/cancel/").status_code == 404
    assert "mine" not in client.get("/tasks/").text
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_the_cancel_button_cancels_and_is_gone_then(client_of, owner):
    task = submit(owner, {"prompt": "stop me"}).task
    client = client_of(owner)
    assert "Cancel</button>" in client.get(f"/tasks/{task.pk}/").text
    text = client.post(f"/tasks/{task.pk}/cancel/", follow=True).text
    assert "CANCELLED" in text
    assert "Cancel</button>" not in text
    assert client.post(f"/tasks/{task.pk}/cancel/").status_code in (302, 409)


def test_the_live_part_ends_with_the_task_and_shows_the_answer_as_text(client_of, owner):
    task = submit(owner, {"prompt": "<b>hi</b>"}).task
    client = client_of(owner)
    assert "data-live-over" not in client.get(f"/tasks/{task.pk}/part/").text
    Task.objects.filter(pk=task.pk).update(
        status="COMPLETED", result="<script>alert(1)</script>", result_source="mock",
        finished_at=timezone.now(), started_at=timezone.now(),
    )  # fmt: skip
    text = client.get(f"/tasks/{task.pk}/part/").text
    assert "data-live-over" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "The mock wrote this answer." in text


def test_a_task_that_waits_says_why_and_until_when(client_of, owner):
    later = timezone.now() + timedelta(hours=1)
    task = submit(owner, {"prompt": "later", "run_after": later.isoformat()}).task
    assert "Scheduled: not to be called before" in client_of(owner).get(f"/tasks/{task.pk}/").text


def test_the_first_visit_tells_how_to_begin(client_of, owner):
    text = client_of(owner).get("/tasks/").text
    for way in (
        "./run submit",
        "curl http://testserver/api/tasks/",
        "--print-config",
        "/tasks/new/",
    ):
        assert way in text


def test_pages_want_a_login_and_have_nothing_inline(client_of, owner, client, db):
    task = submit(owner, {"prompt": "p"}).task
    for path in ("/tasks/", "/tasks/new/", f"/tasks/{task.pk}/"):
        assert client.get(path).url == f"/admin/login/?next={path}"
        response = client_of(owner).get(path)
        assert "unsafe" not in response["Content-Security-Policy"]
        assert not re.search(r"<style| style=| onclick=|<script>", response.text)
    assert client.get(f"/tasks/{task.pk}/part/").status_code == 403


@pytest.fixture
def greeting(owner):
    order = {"name": "greet", "prompt": "Greet {{ name }} in {{ language }}",
             "variables": [{"name": "language", "default": "French"}]}  # fmt: skip
    return create_template(owner, order)


def test_the_list_is_filtered_and_each_filter_is_taken_away_again(client_of, owner):
    for prompt in ("one", "two", "three"):
        submit(owner, {"prompt": prompt})
    Task.objects.filter(prompt="two").update(status="FAILED", error_code="timeout")
    client = client_of(owner)
    page = client.get("/tasks/?status__exact=FAILED&error=timeout")
    assert [task.prompt for task in page.context["tasks"]] == ["two"]
    assert "1 task</h2>" in page.text
    wider = {chip.label: chip.without for chip in page.context["chips"]}
    assert wider == {"status": "error=timeout", "error": "status__exact=FAILED"}
    assert client.get("/tasks/?status__exact=COMPLETED").context["found"] == 0


def test_the_filters_in_use_are_told_in_words(client_of, owner):
    submit(owner, {"prompt": "mine"})
    asked = {"finished": "24h", "called": "7d:failed:openai/gpt-6-luna", "error": "bad_response"}
    chips = client_of(owner).get("/tasks/", asked).context["chips"]
    assert [(chip.label, chip.word) for chip in chips] == [
        ("ended within", "last 24 hours"),
        ("called", "openai/gpt-6-luna, failed, last 7 days"),
        ("error", "bad_response"),
    ]


@pytest.mark.parametrize(("few", "walked"), [(50_000, 10_000), (-1, 10_000), (-1, 1)])
@pytest.mark.parametrize("order", [{}, {"o": "1"}])
def test_however_many_ended_in_a_time_the_list_shows_those_of_it(
    client_of, owner, few, walked, order
):
    keys = [submit(owner, {"prompt": f"{n}"}).task.pk for n in range(4)]
    for hours, key in enumerate(keys[1:]):
        ended = timezone.now() - timedelta(hours=hours, minutes=5)
        Task.objects.filter(pk=key).update(status="CANCELLED", finished_at=ended)
    client = client_of(owner)
    far_west = offset(timedelta(hours=-20))
    since = (timezone.now() - timedelta(hours=2)).astimezone(far_west).isoformat()
    until = (timezone.now() - timedelta(hours=1)).isoformat()
    between = {"finished": "24h", "finished_at__gte": since, "finished_at__lt": until}
    later = {"finished_at__gte": (timezone.now() + timedelta(hours=1)).isoformat()}
    with (
        patch("tasks.stats.behind._FEW_ENDED", few),
        patch("tasks.stats.behind._WALKED", walked),
    ):
        for asked, shown in (
            ({"finished": "1h"}, keys[1:2]), (between, keys[2:3]), (later, []),
            ({"finished": "24h"}, keys[1:] if order else keys[:0:-1]),
        ):  # fmt: skip
            page = client.get("/tasks/", asked | order)
            assert [task.pk for task in page.context["tasks"]] == shown
            assert page.context["found"] == len(shown)


@pytest.mark.parametrize(
    "query",
    ["status__exact=DONE", "finished=9y", "owner=1", "prompt__contains=x", "called=1h", "error=%00",
     "finished_at__gte=monday", "finished_at__gte=0001-01-01T00:00%2B14:00", "template=greet",
     "waiting=long"],
)  # fmt: skip
def test_what_is_no_filter_is_told_and_shows_nothing(client_of, owner, query):
    submit(owner, {"prompt": "mine"})
    response = client_of(owner).get(f"/tasks/?{query}")
    assert response.status_code == 400
    assert f"There is no such filter: {query.split('=')[0]}." in response.text
    assert not response.context["tasks"]


@pytest.mark.parametrize("order", ["", "&o=1"])
def test_the_pages_of_the_list_show_every_task_once(client_of, owner, order):
    with patch("tasks.pages.task_list._A_PAGE", 2):
        keys = [submit(owner, {"prompt": f"{n}"}).task.pk for n in range(5)]
        client, seen, query = client_of(owner), [], f"status__exact=PENDING{order}"
        while query:
            page = client.get(f"/tasks/?{query}")
            assert page.context["found"] == 5
            seen += [task.pk for task in page.context["tasks"]]
            query = page.context["next"]
    assert seen == (keys if order else keys[::-1])


def _without_prompt(**more):
    return {name: value for name, value in FORM.items() if name != "prompt"} | more


def test_a_template_is_chosen_filled_in_and_submitted(client_of, owner, greeting):
    client = client_of(owner)
    assert ">greet</option>" in client.get("/tasks/new/").text
    where = f"/tasks/new/?template={greeting.pk}"
    page = client.get(where)
    assert "Greet {{ name }} in {{ language }}" in page.text
    assert page.context["form"]["variable_language"].value() == "French"
    asked = _without_prompt(variable_name="Ada", variable_language="Dutch")
    assert "mock answers" in client.post(where, asked | {"estimate": "1"}).text
    client.post(where, asked | {"submit": "1"})
    task = Task.objects.get()
    assert (task.prompt, task.template) == ("Greet Ada in Dutch", "greet@1")


def test_a_missing_variable_is_told_beside_its_field(client_of, owner, greeting):
    where = f"/tasks/new/?template={greeting.pk}"
    response = client_of(owner).post(where, _without_prompt(submit="1"))
    assert "variable_name" in response.context["form"].errors
    assert not Task.objects.exists()


@pytest.mark.parametrize("key", ["{key}", "99999", "x", "-1", "9" * 30, "greet@9"])
def test_somebody_elses_template_is_not_there(client_of, stranger, greeting, key):
    client = client_of(stranger)
    where = "/tasks/new/?template=" + key.format(key=greeting.pk)
    assert client.get(where).status_code == 404
    assert "greet" not in client.get("/tasks/new/").text
