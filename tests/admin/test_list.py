from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.admin.tasks import TaskAdmin
from tasks.models import Task
from tests.admin.conftest import HOSTILE

LIST = "/admin/tasks/task/"


def _shown(response):
    return {task.pk for task in response.context["cl"].result_list}


def test_the_list_shows_state_source_and_owner(operator_client, make_task):
    make_task("COMPLETED", result_source="mock", served_provider="mock")
    make_task("PENDING", waiting_reason="server_error from openai", wake_at=timezone.now())
    text = operator_client.get(LIST).text
    assert "pill-completed" in text
    assert "badge-mock" in text
    assert "server_error from openai" in text
    assert "owner" in text


@pytest.mark.parametrize("source", ["mock", "fallback", "cache"])
def test_an_answer_that_is_not_the_asked_providers_own_is_marked(
    operator_client, make_task, source
):
    make_task("COMPLETED", result_source=source)
    assert f"badge-{source}" in operator_client.get(LIST).text


def test_what_people_wrote_is_shown_as_text(operator_client, make_task):
    make_task("FAILED", prompt=HOSTILE, waiting_reason=HOSTILE[:100], error_code="<b>x</b>")
    text = operator_client.get(LIST).text
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {% debug %}" in text


def test_a_filter_is_judged_over_the_whole_list_once(operator_client, make_task):
    failed = {make_task("FAILED", provider="openai").pk for _ in range(3)}
    make_task("FAILED", provider="anthropic")
    with CaptureQueriesContext(connection) as captured:
        assert _shown(operator_client.get(LIST, {"failed_at": "openai"})) == failed
    judging = [one["sql"] for one in captured.captured_queries if "COALESCE(" in one["sql"]]
    assert len([sql for sql in judging if '"tasks_task"."id" IN (' not in sql]) == 1


@pytest.mark.parametrize(
    ("finished", "created", "column"),
    [("30d", "1h", "created_at"), ("1h", "30d", "finished_at")],
)
def test_of_two_times_the_shorter_is_read_by(operator_client, make_task, finished, created, column):
    make_task("COMPLETED")
    query = {"finished": finished, "created": created}
    changelist = operator_client.get(LIST, query).context["cl"]
    assert changelist.queryset.query.order_by[0] == f"-{column}"


@pytest.mark.parametrize("order", ["", "1"])
def test_pages_follow_the_order_of_the_list_to_its_end(
    operator_client, make_task, monkeypatch, order
):
    monkeypatch.setattr(TaskAdmin, "list_per_page", 2)
    made = [make_task().pk for _ in range(5)]
    pages = [operator_client.get(LIST, {"o": order, "p": page}) for page in (1, 2, 3)]
    seen = [task.pk for response in pages for task in response.context["cl"].result_list]
    assert seen == (made if order else made[::-1])


def test_digits_find_the_task_with_that_number(operator_client, make_task):
    first, _ = make_task(), make_task()
    assert _shown(operator_client.get(LIST, {"q": str(first.pk)})) == {first.pk}


@pytest.mark.parametrize("term", ["9" * 19, str(2**63), "9" * 70, "１２", "no such words", "-1"])
def test_a_search_without_a_match_is_an_empty_list(operator_client, make_task, term):
    make_task()
    response = operator_client.get(LIST, {"q": term})
    assert (response.status_code, _shown(response)) == (200, set())


def test_a_search_with_a_nul_is_refused_with_a_message(operator_client, make_task):
    make_task()
    assert operator_client.get(LIST, {"q": "a\x00b"}).status_code == 200


def test_words_find_prompts_custom_ids_and_owners(operator_client, make_task):
    one = make_task(prompt="a Blue whale sings")
    two = make_task(prompt="other", custom_id="whale-7")
    assert _shown(operator_client.get(LIST, {"q": "whale"})) == {one.pk, two.pk}
    assert _shown(operator_client.get(LIST, {"q": "whale blue"})) == {one.pk}
    assert _shown(operator_client.get(LIST, {"q": "owner"})) == {one.pk, two.pk}


def test_words_are_looked_for_in_the_newest_tasks_only(operator_client, make_task):
    old, new = make_task(prompt="whale"), make_task(prompt="whale")
    with patch("tasks.admin.search.NEWEST_SEARCHED", new.pk - old.pk):
        assert _shown(operator_client.get(LIST, {"q": "whale"})) == {new.pk}


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"status__exact": "FAILED"}, {"failed"}),
        ({"finished": "1h"}, {"failed"}),
        ({"finished": "7d"}, {"failed", "old"}),
        ({"created": "24h"}, {"failed", "old", "due", "later"}),
        ({"waiting": "due"}, {"due"}),
        ({"waiting": "later"}, {"later"}),
        ({"error": "timeout"}, {"failed"}),
        ({"urgency": "high"}, {"due"}),
        ({"finished": "nonsense"}, {"failed", "old", "due", "later"}),
        ({"provider__exact": "mock"}, {"failed", "old", "due", "later"}),
        ({"result_source__exact": "provider"}, {"old"}),
    ],
)
def test_a_filter_keeps_what_it_says(operator_client, make_task, query, kept):
    tasks = {
        "failed": make_task("FAILED"),
        "old": make_task("COMPLETED", finished_at=timezone.now() - timedelta(days=2)),
        "due": make_task(priority=9),
        "later": make_task(wake_at=timezone.now() + timedelta(hours=1)),
    }
    assert _shown(operator_client.get(LIST, query)) == {tasks[name].pk for name in kept}


def test_the_count_is_cut_and_says_so(operator_client, make_task):
    make_task(), make_task(), make_task()
    with patch("tasks.admin.changelist.MOST_COUNTED", 2):
        text = operator_client.get(LIST).text
    assert "More than" in text
    assert "3 tasks" not in text


def test_a_page_of_the_list_reads_no_large_texts_and_asks_few_questions(
    operator_client, make_task, django_assert_max_num_queries
):
    for _ in range(20):
        make_task("COMPLETED", result="x" * 5000)
    with django_assert_max_num_queries(6) as captured:
        operator_client.get(LIST)
    page = next(q["sql"] for q in captured if "prompt_preview" in q["sql"])
    for column in ("result", "system", "metadata", "error_message"):
        assert f'"tasks_task"."{column}"' not in page
    assert not any("SELECT DISTINCT" in q["sql"] for q in captured)


@pytest.mark.parametrize("path", ["99999999999999999999999", "0", "abc", "-1", "1e3"])
def test_a_number_that_no_task_has_is_not_found(operator_client, path):
    assert operator_client.get(f"{LIST}{path}/change/").status_code == 404


def test_staff_may_not_write_a_task_by_hand(operator_client, make_task):
    task = make_task("COMPLETED")
    page = f"{LIST}{task.pk}/change/"
    assert operator_client.post(page, {"status": "PENDING", "prompt": "x"}).status_code == 405
    assert Task.objects.get(pk=task.pk).status == "COMPLETED"
