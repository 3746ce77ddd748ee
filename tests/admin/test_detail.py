from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tasks.models import Attempt, Task
from tasks.services.batch_items import items_of_list
from tasks.services.batches import create_batch
from tasks.services.templates import create_template
from tests.admin.conftest import HOSTILE


def _page(client, task):
    return client.get(f"/admin/tasks/task/{task.pk}/change/")


def test_the_page_tells_prompt_answer_attempts_and_cost(operator_client, make_task):
    task = make_task(
        "COMPLETED", tried=True, prompt="why?", result="because", cost_usd=Decimal("0.00001230"),
        prompt_tokens=7, completion_tokens=9, served_provider="openai", served_model="gpt-6-luna",
    )  # fmt: skip
    text = _page(operator_client, task).text
    for expected in ("why?", "because", "$0.0000123", "7 in, 9 out", "openai / gpt-6-luna",
                     "HTTP 503", "server_error", "request req_1"):  # fmt: skip
        assert expected in text


@pytest.mark.parametrize(
    ("source", "words"),
    [("mock", "No model was asked"), ("fallback", "Another provider"), ("cache", "no new call")],
)
def test_an_answer_from_elsewhere_says_so_on_top(operator_client, make_task, source, words):
    task = make_task("COMPLETED", result_source=source)
    assert words in _page(operator_client, task).text


def test_what_a_running_call_has_brought_so_far_is_shown_as_text(operator_client, make_task):
    task = make_task("PROCESSING", tried=True, started_at=timezone.now())
    Attempt.objects.filter(task=task).update(
        outcome="", partial=HOSTILE, finished_at=None, first_token_ms=None
    )
    Task.objects.filter(pk=task.pk).update(lease_token=Attempt.objects.get().lease_token)
    text = _page(operator_client, task).text
    assert "Being written" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    Task.objects.filter(pk=task.pk).update(status="FAILED", finished_at=timezone.now())
    assert "Being written" not in _page(operator_client, task).text


def test_an_attempt_tells_when_its_first_text_came(operator_client, make_task):
    task = make_task("COMPLETED", tried=True)
    assert "first text after" not in _page(operator_client, task).text
    Attempt.objects.filter(task=task).update(first_token_ms=1234)
    assert "first text after 1.23 s" in _page(operator_client, task).text


def test_an_unknown_price_is_called_unpriced(operator_client, make_task):
    assert "unpriced" in _page(operator_client, make_task("COMPLETED")).text


def test_what_people_and_providers_wrote_is_shown_as_text(operator_client, make_task):
    task = make_task(
        "FAILED", tried=True, prompt=HOSTILE, system=HOSTILE, result=HOSTILE, error_code="<b>",
        error_message=HOSTILE, tags=[HOSTILE], metadata={HOSTILE: HOSTILE}, custom_id=HOSTILE,
    )  # fmt: skip
    text = _page(operator_client, task).text
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; {% debug %}") >= 7


def test_waiting_is_explained_in_words(operator_client, make_task):
    later = timezone.now() + timedelta(hours=1)
    due = make_task()
    scheduled = make_task(wake_at=later, waiting_reason="scheduled")
    parked = make_task(wake_at=later, waiting_reason="timeout from openai")
    assert "waits for a free slot" in _page(operator_client, due).text
    assert "not to be called before" in _page(operator_client, scheduled).text
    assert "Waits because of timeout from openai" in _page(operator_client, parked).text


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        ("PENDING", {"cancel", "priority", "clone"}),
        ("PROCESSING", {"cancel", "clone"}),
        ("COMPLETED", {"clone"}),
        ("FAILED", {"retry", "clone"}),
        ("CANCELLED", {"retry", "clone"}),
    ],
)
def test_only_the_moves_that_the_state_allows_have_buttons(
    operator_client, make_task, status, buttons
):
    task = make_task(status)
    text = _page(operator_client, task).text
    shown = {move for move in ("cancel", "retry", "priority", "clone")
             if f"/admin/tasks/task/{task.pk}/{move}/" in text}  # fmt: skip
    assert shown == buttons


def test_a_reader_without_more_rights_has_no_buttons(staff_client, make_task):
    response = _page(staff_client("view_task"), make_task())
    assert response.context["moves"] == set()
    assert "/cancel/" not in response.text
    assert "/delete/" not in response.text


@pytest.mark.parametrize(
    ("provider", "where", "key_header"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions", "Authorization: Bearer [key]"),
        ("anthropic", "https://api.anthropic.com/v1/messages", "x-api-key: [key]"),
        ("deepseek", "http://proxy.example/chat/completions", "Authorization: Bearer [key]"),
    ],
)
def test_what_was_sent_is_shown_without_a_key(
    operator_client, make_task, settings, provider, where, key_header
):
    task = make_task("FAILED", tried=True, prompt="why <b>?", system="be brief", max_tokens=77)
    task.attempt_log.update(provider=provider, model="some-model")
    own = {"api_keys": ["sk-very-secret-0123456789"]}
    configured = {name: raw | own for name, raw in settings.TASKRUNNER_PROVIDERS.items()}
    configured["deepseek"]["base_url"] = "http://user:hush@proxy.example"
    settings.TASKRUNNER_PROVIDERS = configured
    text = _page(operator_client, task).text
    for expected in (f"POST {where}", key_header, "some-model", "be brief", "77",
                     "why &lt;b&gt;?"):  # fmt: skip
        assert expected in text
    assert "sk-very" not in text
    assert "hush" not in text


def test_the_mock_was_sent_nothing(operator_client, make_task):
    task = make_task("COMPLETED", tried=True)
    task.attempt_log.update(provider="mock")
    assert "What was sent" not in _page(operator_client, task).text


def test_a_waiting_task_says_why_and_for_how_long(operator_client, make_task):
    wake_at = timezone.now() + timedelta(seconds=42)
    task = make_task(waiting_reason="429 from deepseek", wake_at=wake_at)
    assert "Waits because of 429 from deepseek; next try in 4" in _page(operator_client, task).text


def test_batch_and_template_are_links_for_those_alone_who_may_open_them(
    operator_client, staff_client, owner, make_task
):
    version = create_template(owner, {"name": "greet", "prompt": "Hello"}).versions.get()
    batch = create_batch(owner, items_of_list([{"prompt": "one"}]), options={}).batch
    task = make_task(template_version=version, batch=batch)
    pages = [f"/admin/tasks/prompttemplate/{version.template_id}/change/",
             f"/admin/tasks/batch/{batch.pk}/change/"]  # fmt: skip
    for client, status in ((operator_client, 200), (staff_client("view_task"), 403)):
        text = _page(client, task).text
        assert "greet@1" in text
        for page in pages:
            assert client.get(page).status_code == status
            assert (f'href="{page}"' in text) == (status == 200)
