"""create_batch, get_batch_status and the batch as a resource."""

from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from tasks.models import Batch, Task
from tasks.services.templates import create_template

ZERO = dict.fromkeys(("PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"), 0)


def test_prompts_become_tasks_of_one_batch_in_their_order(open_desk, owner, era):
    desk = open_desk(owner, mode=era)
    made = desk.ask("create_batch", prompts=["a", "b", "c"], name="mine", priority=9, tags=["x"])
    batch = Batch.objects.get()
    assert made == {"batch_id": batch.pk, "count": 3, "status": "PENDING"}
    assert (batch.owner, batch.name) == (owner, "mine")
    tasks = list(Task.objects.order_by("pk"))
    assert [task.prompt for task in tasks] == ["a", "b", "c"]
    assert {(task.priority, *task.tags) for task in tasks} == {(9, "x")}


def test_tasks_say_what_differs_from_the_batch(desk):
    tasks = [{"prompt": "a", "priority": 1, "custom_id": "first"}, {"prompt": "b"}]
    desk.ask("create_batch", tasks=tasks, priority=9)
    rows = Task.objects.order_by("pk").values_list("prompt", "priority", "custom_id")
    assert list(rows) == [("a", 1, "first"), ("b", 9, "")]


def test_one_template_serves_the_whole_batch(desk, owner):
    create_template(owner, {"name": "greet", "prompt": "{{ word }} {{ name }}"})
    tasks = [{"variables": {"word": "Hi", "name": "A"}}, {"prompt": "plain"}]
    desk.ask("create_batch", tasks=tasks, template="greet")
    assert [task.prompt for task in Task.objects.order_by("pk")] == ["Hi A", "plain"]


def test_a_repeated_key_makes_no_second_batch(desk):
    first = desk.ask("create_batch", prompts=["a"], idempotency_key="k")
    assert desk.ask("create_batch", prompts=["a"], idempotency_key="k") == first
    code, _ = desk.refusal("create_batch", prompts=["b"], idempotency_key="k")
    assert (code, Batch.objects.count()) == ("VALIDATION_ERROR", 1)


@pytest.mark.parametrize(("arguments", "named"), [
    ({}, "prompts"), ({"prompts": ["a"], "tasks": [{"prompt": "a"}]}, "prompts"),
    ({"prompts": []}, "prompts"), ({"prompts": ["a"] * 101}, "prompts"),
    ({"prompts": "a"}, "prompts"),
    ({"prompts": ["a", ""]}, "prompts.1"), ({"prompts": ["a", 7]}, "prompts.1"),
    ({"prompts": ["a", "x" * 1001]}, "prompts.1.prompt"), ({"prompts": ["\ud800"]}, "prompts.0"),
    ({"tasks": [{"prompt": "a"}, {"prompt": "b", "priority": 11}]}, "tasks.1.priority"),
    ({"tasks": [{}]}, "tasks.0.prompt"), ({"tasks": ["a"]}, "tasks.0.non_field_errors"),
    ({"tasks": [{"prompt": "a", "status": "COMPLETED"}]}, "tasks.0.status"),
    ({"tasks": [{"prompt": "a"}], "prompt": "b"}, "prompt"),
    ({"prompts": ["a"], "priority": 0}, "priority"),
    ({"prompts": ["a"], "name": "x" * 201}, "name"),
])  # fmt: skip
def test_a_bad_batch_is_refused_by_place_and_nothing_is_submitted(desk, arguments, named):
    code, message = desk.refusal("create_batch", **arguments)
    assert code == "VALIDATION_ERROR"
    assert named in message
    assert not Task.objects.exists()


def test_the_status_counts_the_tasks_and_names_them(desk):
    made = desk.ask("create_batch", prompts=["a", "b", "c"])
    keys = list(Task.objects.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk=keys[0]).update(status="COMPLETED", cost_usd="0.25")
    Task.objects.filter(pk=keys[1]).update(status="FAILED")
    status = desk.ask("get_batch_status", batch_id=str(made["batch_id"]))
    assert status["counts"] == ZERO | {"COMPLETED": 1, "FAILED": 1, "PENDING": 1}
    assert (status["status"], status["total"], status["cost_usd"]) == ("PROCESSING", 3, "0.25")
    assert (status["task_ids"], status["has_more_task_ids"]) == (keys, False)
    resource = desk.read(f"data://batches/{made['batch_id']}")
    assert {name: resource[name] for name in ("id", "status", "counts", "total")} == {
        "id": made["batch_id"], **{name: status[name] for name in ("status", "counts", "total")},
    }  # fmt: skip


@pytest.mark.parametrize("batch_id", [999, "x", -1, 2**70, "٣"])
def test_an_unknown_batch_is_not_found(desk, batch_id):
    assert desk.refusal("get_batch_status", batch_id=batch_id)[0] == "TASK_NOT_FOUND"


def test_a_stranger_finds_no_batch(open_desk, desk, stranger):
    made = desk.ask("create_batch", prompts=["a"])["batch_id"]
    theirs = open_desk(stranger)
    assert theirs.refusal("get_batch_status", batch_id=made)[0] == "TASK_NOT_FOUND"
    with pytest.raises(MCPError, match="not found"):
        theirs.read(f"data://batches/{made}")
