from __future__ import annotations

from unittest.mock import patch

import pytest

from tasks.models import SavedView

LIST = "/admin/tasks/task/"
VIEWS = f"{LIST}views/"
QUERY = "status__exact=FAILED&finished=24h"


def _names(response):
    return {view.name: view for view in response.context["views"]}


def test_a_set_of_filters_is_saved_under_a_name_and_marked_when_it_is_on(operator_client):
    page = operator_client.get(f"{LIST}?q=whale&finished=7d&p=2")
    assert page.context["can_save_view"]
    saved = {"name": "Whales", "query": page.context["view_query"]}
    again = operator_client.post(VIEWS, saved, follow=True)
    assert again.request["QUERY_STRING"] == "finished=7d&q=whale"
    assert _names(again)["Whales"].is_current
    assert not again.context["can_save_view"]
    assert not _names(operator_client.get(LIST))["Whales"].is_current


def test_a_view_belongs_to_who_saved_it(operator_client, staff_client):
    operator_client.post(VIEWS, {"name": "Mine", "query": "q=whale"})
    other = staff_client("view_task")
    assert "Mine" not in _names(other.get(LIST))
    other.post(VIEWS, {"forget": "Mine"})
    assert SavedView.objects.filter(name="Mine").exists()


def test_the_same_name_again_takes_its_place(operator_client):
    for query in ("q=whale", "q=shark"):
        operator_client.post(VIEWS, {"name": "Fish", "query": query})
    assert list(SavedView.objects.values_list("query", flat=True)) == ["q=shark"]


def test_a_view_is_forgotten(operator_client):
    operator_client.post(VIEWS, {"name": "Fish", "query": "q=fish"})
    page = operator_client.post(VIEWS, {"forget": "Fish"}, follow=True)
    assert "Fish" not in _names(page)


@pytest.mark.parametrize(
    ("name", "query"), [("", "q=a"), ("  ", "q=a"), ("x" * 61, "q=a"), ("x", ""), ("x", "p=3"),
                        ("x", "q=" + "a" * 500), ("a\x00", "q=a")],
)  # fmt: skip
def test_what_makes_no_view_is_refused_with_a_message(operator_client, messages_of, name, query):
    page = operator_client.post(VIEWS, {"name": name, "query": query}, follow=True)
    assert len(messages_of(page)) == 1
    assert not SavedView.objects.exists()


def test_there_is_a_most(operator_client, messages_of):
    with patch("tasks.services.saved_views.MOST_VIEWS", 1):
        operator_client.post(VIEWS, {"name": "One", "query": "q=1"})
        page = operator_client.post(VIEWS, {"name": "Two", "query": "q=2"}, follow=True)
    assert "Forget one first" in messages_of(page)[-1]


def test_a_views_name_is_text(operator_client):
    name = "<script>alert(1)</script>"
    page = operator_client.post(VIEWS, {"name": name, "query": "q=1"}, follow=True)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_who_may_not_see_tasks_has_no_views(staff_client):
    client = staff_client("view_apikey")
    assert client.post(VIEWS, {"name": "x", "query": "q=1"}).status_code == 403
    assert client.get(VIEWS).status_code == 405
