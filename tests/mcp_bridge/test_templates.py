"""Templates at the MCP door: they make prompts of tasks, and published ones are prompts."""

from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from tasks.models import Task
from tasks.services.templates import create_template, edit_template


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


def _names(desk) -> list[str]:
    return [prompt.name for prompt in desk.do(lambda client: client.list_prompts()).prompts]


def test_published_templates_are_prompts_of_their_owner_alone(open_desk, template, owner, stranger):
    desk = open_desk(owner)
    (listed,) = [
        prompt
        for prompt in desk.do(lambda client: client.list_prompts()).prompts
        if prompt.name == "summarise"
    ]
    shown = [(one.name, one.description, one.required) for one in listed.arguments]
    assert shown == [
        ("language", "Any language.", False), ("text", "Text for {{ text }}.", True),
    ]  # fmt: skip
    assert "summarise" not in _names(open_desk(stranger))
    template.published = False
    template.save()
    assert "summarise" not in _names(desk)


def test_a_published_template_is_filled_with_its_latest_wording(desk, template, owner):
    edit_template(owner, template.pk, {"prompt": "{{ text }}, please. {% debug %}"})
    got = desk.do(lambda client: client.get_prompt("summarise", {"text": "{{ text }}"}))
    assert got.messages[0].content.text == "{{ text }}, please. {% debug %}"


@pytest.mark.parametrize("values", [{}, {"text": ""}, {"text": "x", "more": "y"}, {"text": "\x00"}])
def test_a_bad_value_for_a_published_template_is_refused(desk, template, values):
    with pytest.raises(MCPError) as refusal:
        desk.do(lambda client: client.get_prompt("summarise", values))
    assert refusal.value.error.code == -32602


def test_a_stranger_cannot_fill_it(open_desk, template, stranger):
    with pytest.raises(MCPError, match="Unknown prompt"):
        open_desk(stranger).do(lambda client: client.get_prompt("summarise", {"text": "x"}))


def test_a_template_cannot_take_the_name_of_a_prompt_of_the_server(desk, owner):
    create_template(owner, {"name": "system_health", "prompt": "mine", "published": True})
    assert _names(desk).count("system_health") == 1
    got = desk.do(lambda client: client.get_prompt("system_health"))
    assert got.messages[0].content.text != "mine"
