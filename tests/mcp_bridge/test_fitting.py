"""Nothing that a client reads outweighs what clients take, whatever the texts are made of."""

from __future__ import annotations

import json

import pytest

from mcp_bridge.fitting import fit
from mcp_bridge.portions import shorten, weigh
from tasks.models import Attempt, Task

_MOST_TOKENS = 25_000
_HEAVY = {"emoji": ("🜂", 4), "chinese": ("字", 3), "breaks": ("\n", 2), "digits": ("7", 1)}


def _tokens_at_most(text: str, letter: str, weight: int) -> float:
    """Of a text whose heavy part is one letter: the rest is keys, figures and punctuation."""
    spelled = json.dumps(letter, ensure_ascii=False)[1:-1]
    count = text.count(spelled)
    return count * weight + 0.4 * (len(text) - count * len(spelled))


@pytest.fixture(params=_HEAVY)
def heavy(request):
    return _HEAVY[request.param]


@pytest.fixture
def tasks(make_task, heavy):
    """A hundred tasks that are heavy wherever they can be; the first more than the others."""
    letter, _ = heavy
    first = make_task("COMPLETED", prompt=letter * 1000, result=letter * 60_000, claims=20)
    for number in range(1, 21):
        Attempt.objects.create(
            task=first, number=number, provider="mock", model="mock-1", outcome="failed",
            lease_token="0" * 32, message=letter * 1000, started_at=first.created_at,
        )  # fmt: skip
    failed = make_task("FAILED", error_message=letter * 1000, prompt=letter * 1000)
    values = {f.attname: getattr(failed, f.attname) for f in Task._meta.fields if not f.primary_key}
    return [first, failed, *Task.objects.bulk_create(Task(**values) for _ in range(98))]


def test_a_full_list_fits_and_leaves_no_task_out(desk, tasks, heavy):
    answer = desk.call("list_tasks", limit=100)
    assert answer.structured_content["count"] == 100
    assert answer.structured_content == json.loads(answer.content[0].text)
    assert _tokens_at_most(answer.content[0].text, *heavy) < _MOST_TOKENS


def test_a_resource_fits_and_tells_that_a_text_was_cut(desk, tasks, heavy):
    uri = f"data://tasks/{tasks[0].pk}"
    (content,) = desk.do(lambda client: client.read_resource(uri)).contents
    assert _tokens_at_most(content.text, *heavy) < _MOST_TOKENS
    task = json.loads(content.text)
    assert task["result"].endswith("…")
    assert (task["id"], task["status"], len(task["attempt_log"])) == (tasks[0].pk, "COMPLETED", 20)
    assert "/result" in task["untrusted"]["at"]


@pytest.mark.parametrize("prompt", ["task_summary", "task_analysis", "system_health"])
def test_a_prompt_full_of_figures_fits(desk, tasks, heavy, prompt):
    given = {"analysis_depth": "deep"} if prompt == "task_analysis" else {}
    (message,) = desk.do(lambda client: client.get_prompt(prompt, given)).messages
    assert _tokens_at_most(message.content.text, *heavy) < _MOST_TOKENS


def test_what_fits_is_left_as_it_is(desk, make_task):
    prompt = "What may be asked in a hundred characters or so, as people write it, stays whole."
    make_task("COMPLETED", prompt=prompt, result=prompt * 100)
    (task,) = desk.ask("list_tasks")["tasks"]
    assert task["prompt_preview"] == prompt
    assert len(task["result_preview"]) == 100


def test_the_longest_texts_give_way_first():
    value = {"long": "字" * 20_000, "short": ["字" * 100] * 3, "n": 1}
    fitted = fit(value)
    assert fitted["short"] == value["short"]
    assert 7_000 < len(fitted["long"]) < 8_000
    assert fitted["n"] == 1


def test_a_shortened_text_weighs_no_more_than_it_may():
    for letter in ("x", "字", "🜂", "\x07"):
        text = shorten(letter * 9_000, 1_000)
        assert 900 < weigh(text) <= 1_000
