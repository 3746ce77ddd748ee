"""The landing page, the stats page and its live part, through the whole stack."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tasks.models import Alert, Attempt
from tasks.services import steering
from tasks.services.templates import create_template, edit_template
from tasks.stats.rollup import roll_up

HOSTILE = "<script>alert(1)</script> {% debug %}"


@pytest.fixture
def client_of():
    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


def _tiles(response):
    return {tile.label: tile for tile in response.context["tiles"]}


def test_strangers_get_the_landing_page_with_its_doors(db, client):
    text = client.get("/").text
    for door in ("/stats/", "/admin/", "/api/docs/"):
        assert f'href="{door}"' in text


def test_people_who_are_logged_in_go_straight_to_their_figures(client_of, owner):
    assert client_of(owner).get("/").url == "/stats/"


def test_the_stats_page_wants_a_login_and_its_live_part_says_so(db, client):
    assert client.get("/stats/?range=7d").url == "/admin/login/?next=/stats/%3Frange%3D7d"
    assert client.get("/stats/figures/?range=7d").status_code == 403


def test_the_empty_page_tells_how_to_begin(client_of, operator):
    text = client_of(operator).get("/stats/").text
    assert "./run submit" in text
    assert "curl http://testserver/api/tasks/" in text
    assert "./run runmcp --print-config" in text
    assert '<details class="panel" id="how-to" open>' in text
    block = json.loads(unescape(re.search(r"<code>(\{.*?)</code>", text, re.S)[1]))
    (server,) = block["mcpServers"].values()
    assert Path(server["command"]).is_file()
    assert Path(server["args"][0]).is_file()
    assert server["args"][1:] == ["runmcp", "--user", "operator"]


def test_only_staff_learn_where_the_project_lies(client_of, owner):
    text = client_of(owner).get("/stats/").text
    assert "--print-config" in text
    assert "manage.py runmcp" not in text
    assert "mcpServers" not in text


def test_the_tiles_show_the_figures_and_lead_to_the_tasks(
    client_of, operator, make_task, make_worker
):
    make_worker("one", slots=8, in_flight=1)
    make_task("PROCESSING")
    make_task("PENDING", created_at=timezone.now())
    make_task("FAILED")
    make_task(), make_task(), make_task()
    tiles = _tiles(client_of(operator).get("/stats/?range=24h"))
    assert (tiles["Waiting"].value, tiles["Running"].value) == ("1", "1 / 8")
    assert (tiles["Workers"].value, tiles["Errors"].value) == ("1", "25 %")
    assert tiles["Errors"].href == "/admin/tasks/task/?status__exact=FAILED&finished=24h"


def test_a_tile_tells_at_a_glance_which_provider_is_out(client_of, operator, settings):
    own = settings.TASKRUNNER_PROVIDERS
    settings.TASKRUNNER_PROVIDERS = own | {
        name: own[name] | {"api_keys": ["k"]} for name in ("openai", "anthropic")
    }
    client = client_of(operator)
    assert _providers_tile(client) == ("2 / 2", "open for calls", "ok")
    steering.pause("anthropic")
    assert _providers_tile(client) == ("1 / 2", "anthropic: paused", "warn")
    steering.force_breaker("openai", "open")
    value, note, tone = _providers_tile(client)
    assert (value, tone) == ("0 / 2", "bad")
    assert "openai: forced open" in note


@pytest.mark.parametrize(
    ("key", "place"),
    [("breaker_open:openai", "/admin/tasks/providerstate/"),
     ("no_worker", "/admin/tasks/worker/"),
     ("queue_age", "/admin/tasks/task/?waiting=due&o=1"),
     ("failure_rate", "/admin/tasks/task/?status__exact=FAILED&finished=1h"),
     ("budget", "/admin/tasks/task/?finished=today")],
)  # fmt: skip
def test_an_alert_leads_to_where_it_is_looked_into(client_of, operator, stranger, key, place):
    Alert.objects.create(key=key, is_firing=True, message="Something is wrong: <b>")
    text = client_of(operator).get("/stats/").text
    alerts = re.search(r'<ul class="banner bad alerts".*?</ul>', text, re.S)[0]
    assert f'<a href="{escape(place)}">Something is wrong: &lt;b&gt;</a>' in alerts
    assert client_of(operator).get(place).status_code == 200
    assert "Something is wrong" not in client_of(stranger).get("/stats/").text


def _providers_tile(client):
    cache.clear()
    tile = _tiles(client.get("/stats/"))["Providers"]
    assert tile.href == "/admin/tasks/providerstate/"
    return tile.value, tile.note, tile.tone


def test_every_link_of_the_page_leads_somewhere(client_of, operator, make_task, make_worker):
    make_worker("one")
    make_task("FAILED"), make_task("PENDING"), make_task()
    client = client_of(operator)
    links = set(re.findall(r'href="(/[^"]*)"', client.get("/stats/").text))
    assert len(links) > 12
    for link in links:
        status = client.get(link.replace("&amp;", "&")).status_code
        assert status == 200 or (link == "/" and status == 302), link


def test_tile_links_are_filters_that_the_list_understands(client_of, operator, make_task):
    failed, _ = make_task("FAILED"), make_task()
    client = client_of(operator)
    page = client.get(_tiles(client.get("/stats/"))["Errors"].href)
    assert {task.pk for task in page.context["cl"].result_list} == {failed.pk}


def test_the_mock_is_announced_while_it_answers_for_all(client_of, operator, settings):
    client = client_of(operator)
    assert "The mock answers every task" in client.get("/stats/").text
    settings.TASKRUNNER_MOCK = "never"
    assert "The mock answers every task" not in client.get("/stats/").text


def test_what_people_and_providers_wrote_is_shown_as_text(client_of, operator, make_task):
    make_task("FAILED", error_code="<b>x</b>", error_message=HOSTILE, model="<i>")
    make_task("PENDING", wake_at=timezone.now(), waiting_reason=HOSTILE)
    text = client_of(operator).get("/stats/").text
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; {% debug %}") == 2


def test_others_see_their_own_figures_without_workers_or_links_to_the_admin(
    client_of, owner, stranger, make_task, make_worker
):
    make_worker("secret-host")
    task = make_task("FAILED", error_message="mine")
    own = client_of(owner).get("/stats/")
    assert "mine" in own.text
    assert "Workers" not in _tiles(own)
    assert "secret-host" not in own.text
    assert "/admin/tasks/" not in own.text
    foreign = client_of(stranger).get("/stats/").text
    assert "mine" not in foreign
    assert f"#{task.pk}" not in foreign


def test_staff_get_links_to_those_pages_alone_that_they_may_open(
    client_of, django_user_model, operator, make_task
):
    template = create_template(operator, {"name": "greet", "prompt": "Hello"})
    make_task("FAILED", template_version=template.versions.get())
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    assert "/admin/tasks/task/" not in client_of(clerk).get("/stats/").text
    clerk.user_permissions.add(
        Permission.objects.get(codename="view_task", content_type__app_label="tasks")
    )
    clerk = django_user_model.objects.get(pk=clerk.pk)
    text = client_of(clerk).get("/stats/").text
    assert "/admin/tasks/task/" in text
    for page in ("prompttemplate", "providerstate", "worker"):
        assert f"/admin/tasks/{page}/" not in text


def test_the_live_part_is_the_same_figures_without_the_page_around(client_of, operator, make_task):
    make_task("FAILED")
    response = client_of(operator).get("/stats/figures/?range=7d")
    assert "<html" not in response.text
    assert "last 7 days" in response.text
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("asked", ["", "1y", "<script>", "24H"])
def test_an_unknown_range_is_a_day_on_the_page_and_refused_in_the_live_part(
    client_of, operator, asked
):
    client = client_of(operator)
    page = client.get("/stats/", {"range": asked})
    assert page.context["snapshot"].range == "24h"
    assert client.get("/stats/figures/", {"range": asked}).status_code == 400


def test_the_chart_has_a_caption_and_the_same_figures_as_a_table(client_of, operator, make_task):
    make_task(ago=0), make_task(ago=0), make_task("FAILED", ago=0)
    text = client_of(operator).get("/stats/").text
    assert text.count('class="bar-completed" x=') == 1
    assert "2 completed, 1 failed</title>" in text
    assert "<figcaption>" in text
    last_row = re.findall(r"<tr><th scope=\"row\">[^<]*</th>((?:<td[^>]*>\d+</td>){4})<td", text)[
        -1
    ]
    assert re.findall(r">(\d+)<", last_row) == ["2", "0", "1", "0"]


@pytest.mark.parametrize("path", ["/", "/stats/"])
def test_pages_have_a_strict_policy_and_nothing_inline(
    client_of, operator, client, make_task, path
):
    make_task()
    response = (client if path == "/" else client_of(operator)).get(path)
    assert "unsafe" not in response["Content-Security-Policy"]
    for inline in ("<style", " style=", " onclick=", "<script>", "javascript:"):
        assert inline not in response.text


@pytest.mark.parametrize("path", ["/", "/stats/", "/stats/figures/"])
def test_pages_are_only_read(client_of, operator, path):
    assert client_of(operator).post(path).status_code == 405


@pytest.fixture
def all_sorts_of_tasks(owner, make_task, make_worker):
    """Tasks of every kind that the page counts apart, some of them rolled up already."""
    make_worker("one")
    template = create_template(owner, {"name": "greet", "prompt": "Hello {{ name }}"})
    edit_template(owner, template.pk, {"prompt": "Good day {{ name }}"})
    versions = list(template.versions.order_by("number"))
    for ago in (60, 8_000, 40_000):
        make_task(ago=ago), make_task(ago=ago, provider="openai", served_model="gpt-6-luna")
        make_task(ago=ago, template_version=versions[0], cost_usd=Decimal("0.5"))
        make_task("FAILED", ago=ago, template_version=versions[1])
        make_task(ago=ago, served_provider="openai", served_model="gpt-6-luna",
                  result_source="fallback")  # fmt: skip
        make_task(ago=ago, result_source="cache")
        make_task(ago=ago, result_source="mock", served_provider="mock", served_model="mock-1")
        make_task("FAILED", ago=ago, tried="anthropic")
        make_task("FAILED", ago=ago, error_code="expired")
        make_task("CANCELLED", ago=ago)
    make_task("PROCESSING"), make_task("PENDING")
    for _ in range(2):
        make_task("PENDING", wake_at=timezone.now() + timedelta(hours=1), waiting_reason="paused")


@pytest.mark.parametrize("word", ["1h", "24h", "7d"])
@pytest.mark.parametrize("is_rolled", [False, True])
@pytest.mark.parametrize("is_staff", [True, False], ids=["staff", "their own"])
def test_behind_every_figure_there_are_as_many_tasks(
    client_of, operator, owner, stranger, make_task, all_sorts_of_tasks, word, is_rolled, is_staff
):
    if not is_staff:  # somebody else's are in no figure and in no list
        for status in ("COMPLETED", "FAILED", "CANCELLED", "PROCESSING", "PENDING"):
            make_task(status, owner=stranger)
    if is_rolled:
        roll_up()
    client = client_of(operator if is_staff else owner)
    page = client.get(f"/stats/?range={word}")
    where = "/admin/tasks/task/" if is_staff else "/tasks/"
    figures = re.findall(rf'<a href="({where}\?[^"]*)"[^>]*>(.*?)</a>', page.text, re.S)
    assert len(figures) > 20
    seen = set()
    for href, words in figures:
        text = re.sub(r"<[^>]*>", " ", words)
        if "Oldest" in text or "Errors" in text or "Cost" in text:
            continue  # a time, a share and a sum: none of them counts tasks
        seen |= set(re.findall(r"[?;](\w+)=", href))
        found = _count_behind(client, href)
        if "$" in text or ("/" in text and "Running" not in text):
            assert found
            continue  # money and tokens: of some tasks
        number = int(re.findall(r"\d+", text)[0])
        assert found == number, (href, text)
    assert {"served", "served_model", "failed_at", "template", "error", "waiting_reason__exact",
            "result_source__exact", "finished_at__gte", "status__exact",
            "called"} <= seen  # fmt: skip


def _count_behind(client, href):
    """How many tasks the list shows that a link leads to."""
    context = client.get(unescape(href)).context
    return context["cl"].result_count if "cl" in context else context["found"]


def test_calls_tokens_and_cost_lead_to_the_tasks_that_were_called_whoever_answered(
    client_of, operator, make_task
):
    task = make_task(served_provider="openai", served_model="gpt-6-luna", cost_usd=Decimal("0.5"))
    make_task(provider="anthropic")
    ends = timezone.now() - timedelta(seconds=90)
    Attempt.objects.create(
        task=task, number=2, provider="deepseek", model="d/1", lease_token=uuid.uuid4(),
        outcome="failed", started_at=ends, finished_at=ends, prompt_tokens=7,
    )  # fmt: skip
    client = client_of(operator)
    page = client.get("/stats/?range=1h").text
    hrefs = re.findall(r'<a href="([^"]*called=1h%3A[^"]*deepseek[^"]*)"', page)
    assert len(set(hrefs)) == 3  # by the model, its failed calls, by the provider
    for href in hrefs:
        for few in (5_000, -1):
            with patch("tasks.stats.behind._FEW_CALLS", few):
                shown = client.get(href.replace("&amp;", "&")).context["cl"]
            assert [row.pk for row in shown.result_list] == [task.pk]
    Attempt.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    assert not client.get(hrefs[0].replace("&amp;", "&")).context["cl"].result_count


@pytest.mark.parametrize(
    "word", ["", "1h", "1h:", "1h:failed", "9y::openai", "::openai", "1h::a/b"]
)
def test_a_call_filter_typed_by_hand_is_no_error(client_of, operator, make_task, word):
    make_task()
    assert client_of(operator).get("/admin/tasks/task/", {"called": word}).status_code == 200


def test_failures_are_retried_from_the_page(client_of, operator, make_task):
    tasks = [make_task("FAILED") for _ in range(3)]
    client = client_of(operator)
    page = client.get("/stats/").text
    retry = re.search(rf'action="(/admin/tasks/task/{tasks[2].pk}/retry/)"', page)[1]
    client.post(retry)
    tasks[2].refresh_from_db()
    assert tasks[2].status == "PENDING"
    form = re.search(r'action="(/admin/tasks/task/\?[^"]*)">(.*?)</form>', page, re.S)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2]))
    counted = client.post(form[1].replace("&amp;", "&"), fields)
    assert counted.context["able"] == 2


def test_people_retry_their_own_failures_and_nobody_elses(client_of, owner, stranger, make_task):
    task = make_task("FAILED")
    assert client_of(stranger).post(f"/tasks/{task.pk}/retry/").status_code == 404
    page = client_of(owner).get("/stats/").text
    assert f'action="/tasks/{task.pk}/retry/"' in page
    client_of(owner).post(f"/tasks/{task.pk}/retry/")
    task.refresh_from_db()
    assert task.status == "PENDING"
    again = client_of(owner).post(f"/tasks/{task.pk}/retry/")
    assert again.status_code == 409
