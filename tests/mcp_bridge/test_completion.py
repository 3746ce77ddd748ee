from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from mcp_bridge.tools.create import known_models
from tasks.services.templates import create_template

TASK = ResourceTemplateReference(uri="data://tasks/{task_id}")


def _complete(desk, ref, name, typed):
    argument = {"name": name, "value": typed}
    return desk.do(lambda client: client.complete(ref, argument)).completion


def _for_prompt(desk, prompt, name, typed=""):
    return _complete(desk, PromptReference(name=prompt), name, typed).values


def test_a_task_id_is_completed_to_ones_own_newest_tasks(
    open_desk, owner, stranger, make_task, era
):
    for pk in (4, 40, 41, 417, 5):
        make_task(id=pk)
    make_task(id=42, owner=stranger)
    desk = open_desk(owner, mode=era)
    assert _complete(desk, TASK, "task_id", "4").values == ["417", "41", "40", "4"]
    assert _complete(desk, TASK, "task_id", "").values == ["417", "41", "40", "5", "4"]
    for typed in ("43", "x", "-4", "4 OR 1=1", "9" * 30, "٤"):
        assert _complete(desk, TASK, "task_id", typed).values == []


def test_no_more_than_a_hundred_values_and_a_word_that_there_are_more(desk, make_task):
    for _ in range(101):
        make_task()
    completion = _complete(desk, TASK, "task_id", "")
    assert (len(completion.values), completion.has_more) == (100, True)


@pytest.mark.parametrize(
    ("prompt", "argument", "typed", "values"),
    [
        ("system_health", "time_period", "", ["hour", "day", "week"]),
        ("system_health", "include_performance", "F", ["false"]),
        ("task_summary", "status_filter", "c", ["COMPLETED", "CANCELLED"]),
        ("task_summary", "date_range", "2", ["24h"]),
        ("task_analysis", "task_group", "fail", ["FAILED"]),
        ("performance_review", "focus_metrics", "la", ["latency"]),
        ("performance_review", "focus_metrics", "latency,", ["latency,throughput",
         "latency,errors", "latency,cost"]),
    ],
)  # fmt: skip
def test_the_words_of_a_prompt_are_offered(desk, prompt, argument, typed, values):
    assert _for_prompt(desk, prompt, argument, typed) == values


def test_a_group_of_tasks_is_a_model_or_one_of_ones_own_tags(desk, stranger, make_task):
    make_task(tags=["night-run"])
    make_task(owner=stranger, tags=["nightmare"])
    assert _for_prompt(desk, "task_analysis", "task_group", "night") == ["night-run"]
    assert _for_prompt(desk, "task_analysis", "task_group", "claude") == [
        model for model in known_models() if model.startswith("claude")
    ]


def test_a_group_of_tasks_is_one_of_ones_own_templates_too(desk, owner, stranger):
    for user, name in ((owner, "nightly"), (owner, "draft"), (stranger, "nightmare")):
        create_template(user, {"name": name, "prompt": "Hi"})
    assert _for_prompt(desk, "task_analysis", "task_group", "night") == ["nightly"]


def test_the_last_id_of_a_list_is_the_one_that_is_completed(desk, make_task):
    first, second = make_task(id=11), make_task(id=12)
    assert _for_prompt(desk, "task_summary", "task_ids", f"{first.pk},1") == [
        f"{first.pk},{second.pk}"
    ]


@pytest.mark.parametrize(
    ("ref", "argument"),
    [
        (PromptReference(name="no_such_prompt"), "x"),
        (PromptReference(name="task_summary"), "no_such_argument"),
        (ResourceTemplateReference(uri="data://no/such/{x}"), "x"),
        (TASK, "no_such_variable"),
    ],
)
def test_what_does_not_exist_has_no_completions(open_desk, owner, era, ref, argument):
    with pytest.raises(MCPError) as caught:
        _complete(open_desk(owner, mode=era), ref, argument, "")
    assert caught.value.code == -32602
