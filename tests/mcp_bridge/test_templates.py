"""Templates at the MCP door: they make prompts of tasks, and published ones are prompts."""

from __future__ import annotations

import pytest

from tasks.models import Task
from tasks.services.templates import create_template


@pytest.fixture
def template(db, owner):
    prompt = "In {{ language }}: {{ text }}"
    variables = [{"name": "language", "default": "English", "description": "Any language."}]
    order = {"name": "summarise", "prompt": prompt, "variables": variables, "published": True}
    return create_template(owner, order)


def test_a_template_makes_the_prompt_of_a_task(desk, template, era):
    answer = desk.ask("create_task", template="summarise", variables={"text": "news"})
    task = Task.objects.get(pk=answer["task_id"])
    assert (task.prompt, task.template) == ("In English: news", "summarise@1")


@pytest.mark.parametrize(("arguments", "named"), [
    ({"template": "summarise"}, "variables.text"), ({"template": "nothing"}, "template"),
    ({"template": "summarise", "prompt": "hello", "variables": {"text": "x"}}, "template"),
    ({"prompt": "hello", "variables": {"text": "x"}}, "variables"),
    ({"template": "summarise", "variables": {"text": 7}}, "variables.text"),
])  # fmt: skip
def test_a_bad_use_of_a_template_is_refused_by_name(desk, template, arguments, named):
    code, message = desk.refusal("create_task", **arguments)
    assert (code, message.startswith(f"{named}:")) == ("VALIDATION_ERROR", True), message
    assert not Task.objects.exists()


def test_another_users_template_is_not_there(open_desk, template, stranger):
    theirs = open_desk(stranger)
    assert theirs.refusal("create_task", template="summarise")[0] == "VALIDATION_ERROR"
