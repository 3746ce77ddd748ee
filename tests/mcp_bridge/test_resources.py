from __future__ import annotations

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError

from tasks.vocabulary import Status


def test_the_resources_are_those_of_the_contract(open_desk, owner, era):
    desk = open_desk(owner, mode=era)
    resources = desk.do(lambda client: client.list_resources()).resources
    assert [resource.uri for resource in resources] == [
        "data://tasks/schema", "data://tasks/statuses", "data://models/available",
        "data://system/stats",
    ]  # fmt: skip
    templates = desk.do(lambda client: client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [
        "data://tasks/{task_id}", "data://batches/{batch_id}",
    ]  # fmt: skip
    for listed in (*resources, *templates):
        assert listed.title
        assert listed.description
        assert listed.mime_type == "application/json"


def test_the_schema_judges_a_submit_and_a_status(desk, make_task):
    schemas = desk.read("data://tasks/schema")
    assert jsonschema.Draft202012Validator(schemas["submit"]).is_valid({"prompt": "x"})
    assert not jsonschema.Draft202012Validator(schemas["submit"]).is_valid({})
    status = desk.ask("get_task_status", task_id=make_task().pk)
    jsonschema.validate(status, schemas["status"])
    result = desk.ask("get_task_result", task_id=make_task("COMPLETED").pk)
    jsonschema.validate(result, schemas["result"])


def test_the_statuses_tell_what_each_may_become(desk):
    statuses = {row["status"]: row for row in desk.read("data://tasks/statuses")}
    assert list(statuses) == [status.value for status in Status]
    assert statuses["FAILED"]["may_become"] == ["PENDING"]
    assert statuses["COMPLETED"]["is_terminal"] is True
    assert all(row["meaning"] for row in statuses.values())


def test_the_models_tell_prices_successors_and_what_is_configured(desk, settings):
    settings.TASKRUNNER_PROVIDERS = settings.TASKRUNNER_PROVIDERS | {
        "openai": settings.TASKRUNNER_PROVIDERS["openai"] | {"api_keys": ["secret-key"]}
    }
    found = desk.read("data://models/available")
    assert "secret-key" not in str(found)
    providers = {row["provider"]: row for row in found["providers"]}
    assert (found["default_provider"], found["is_mock_standing_in"]) == ("openai", False)
    assert providers["openai"]["is_configured"] is True
    assert providers["deepseek"]["is_configured"] is False
    assert providers["openai"]["retired"]["gpt-4"] in {
        model["model"] for model in providers["openai"]["models"]
    }
    luna = next(m for m in providers["openai"]["models"] if m["model"] == "gpt-6-luna")
    assert luna["usd_per_million_tokens"][0]["input"] == "0.10"


def test_the_stats_count_what_the_reader_may_see(open_desk, owner, stranger, make_task):
    make_task()
    make_task("COMPLETED")
    assert open_desk(owner).read("data://system/stats")["counts"]["COMPLETED"] == 1
    assert open_desk(stranger).read("data://system/stats")["total"] == 0


def test_a_task_is_readable_with_its_attempts(desk, make_task):
    task = make_task("COMPLETED")
    found = desk.read(f"data://tasks/{task.pk}")
    assert (found["id"], found["result"], found["attempt_log"]) == (task.pk, "hi", [])


@pytest.mark.parametrize(("mode", "code"), [("legacy", -32002), ("auto", -32602)])
@pytest.mark.parametrize(
    "uri",
    ["data://tasks/999999", "data://tasks/abc", f"data://tasks/{2**70}", "data://nothing", "x:y",
     "data://tasks/%00", "data://tasks/../stats", "file:///etc/passwd"],
)  # fmt: skip
def test_what_does_not_exist_is_not_found_in_the_code_of_the_era(open_desk, owner, mode, code, uri):
    with pytest.raises(MCPError) as caught:
        open_desk(owner, mode=mode).do(lambda client: client.read_resource(uri))
    assert caught.value.code == code
    assert caught.value.data == {"uri": uri}


def test_somebody_elses_task_is_not_found(open_desk, stranger, make_task):
    uri = f"data://tasks/{make_task().pk}"
    with pytest.raises(MCPError) as caught:
        open_desk(stranger).do(lambda client: client.read_resource(uri))
    assert caught.value.message == "Resource not found"
