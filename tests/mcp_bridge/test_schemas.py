"""What the schemas say and what the tools accept are the same."""

from __future__ import annotations

import jsonschema
import pytest

from tasks.vocabulary import Provider, Status


@pytest.fixture
def tools(desk):
    listed = desk.do(lambda client: client.list_tools()).tools
    return {tool.name: tool for tool in listed}


def test_the_tools_are_those_of_the_contract(tools):
    assert list(tools) == [
        "create_task", "get_task_status", "list_tasks", "get_task_result", "wait_for_task",
        "cancel_task", "retry_task", "create_batch", "get_batch_status",
    ]  # fmt: skip


def test_every_tool_explains_itself_in_full(tools):
    for tool in tools.values():
        assert tool.title
        assert tool.description
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description"), (tool.name, name)
        hints = tool.annotations
        for hint in ("read_only", "destructive", "idempotent", "open_world"):
            assert isinstance(getattr(hints, f"{hint}_hint"), bool)


def test_the_hints_tell_readers_from_writers(tools):
    readers = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert readers == {
        "get_task_status", "list_tasks", "get_task_result", "wait_for_task", "get_batch_status",
    }  # fmt: skip
    destructive = {name for name, tool in tools.items() if tool.annotations.destructive_hint}
    assert destructive == {"cancel_task"}


def test_create_task_shows_the_bounds_of_a_submit(tools, settings):
    schema = tools["create_task"].input_schema
    arguments = schema["properties"]
    assert schema["required"] == ["prompt"]
    assert set(arguments) == {
        "prompt", "model", "priority", "provider", "system", "max_tokens", "tags",
        "idempotency_key", "run_after", "template", "variables",
    }  # fmt: skip
    assert arguments["prompt"]["type"] == "string"
    assert arguments["prompt"]["minLength"] == 1
    assert arguments["prompt"]["maxLength"] == settings.TASKRUNNER_PROMPT_MAX_CHARS
    priority = arguments["priority"]
    assert (priority["type"], priority["minimum"], priority["maximum"], priority["default"]) == (
        "integer", 1, 10, 5
    )  # fmt: skip
    assert arguments["provider"]["enum"] == [provider.value for provider in Provider]
    assert {"gpt-6-luna", "claude-haiku-5-5", "deepseek-flash", "gpt-4"} <= set(
        arguments["model"]["enum"]
    )


def test_list_tasks_and_wait_for_task_show_their_bounds(tools):
    listing = tools["list_tasks"].input_schema["properties"]
    assert listing["status"]["enum"] == [status.value for status in Status]
    limit, offset = listing["limit"], listing["offset"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 10)
    assert (offset["minimum"], offset["default"]) == (0, 0)
    timeout = tools["wait_for_task"].input_schema["properties"]["timeout_seconds"]
    assert (timeout["minimum"], timeout["maximum"], timeout["default"]) == (0, 45, 25)


def test_every_model_that_is_listed_can_be_submitted(desk, tools):
    for model in tools["create_task"].input_schema["properties"]["model"]["enum"]:
        desk.ask("create_task", prompt="hello", model=model)


def test_further_models_of_the_settings_are_listed(open_desk, owner, settings):
    settings.TASKRUNNER_PROVIDERS = settings.TASKRUNNER_PROVIDERS | {
        "local": settings.TASKRUNNER_PROVIDERS["local"] | {"models": ["my-llama"]}
    }
    (create, *_) = open_desk(owner).do(lambda client: client.list_tools()).tools
    assert "my-llama" in create.input_schema["properties"]["model"]["enum"]


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("priority", 1, 0), ("priority", 10, 11), ("max_tokens", 1, 0),
        ("max_tokens", 1_000_000, 1_000_001), ("tags", ["t" * 50], ["t" * 51]),
        ("tags", [str(n) for n in range(20)], [str(n) for n in range(21)]),
        ("idempotency_key", "k" * 255, "k" * 256), ("system", "s" * 1000, "s" * 1001),
        ("prompt", "p" * 1000, "p" * 1001), ("prompt", "p", ""),
    ],
)  # fmt: skip
def test_schema_and_tool_draw_the_line_at_the_same_place(desk, tools, field, inside, outside):
    judge = jsonschema.Draft202012Validator(tools["create_task"].input_schema)
    good, bad = {"prompt": "x", field: inside}, {"prompt": "x", field: outside}
    assert judge.is_valid(good)
    assert not judge.is_valid(bad)
    desk.ask("create_task", **good)
    assert desk.refusal("create_task", **bad)[0] == "VALIDATION_ERROR"
