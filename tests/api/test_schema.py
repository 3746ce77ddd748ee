"""The OpenAPI document says what the API does."""

from __future__ import annotations

import io
import json

import pytest
import yaml
from django.core.management import call_command
from django.urls import get_resolver

from tests.api.test_submit import FIELDS


@pytest.fixture(scope="module")
def document():
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=out)
    return json.loads(out.getvalue())


def test_every_door_is_described(document):
    doors = {
        f"/api/{pattern.pattern}".replace("<str:", "{").replace(">", "}")
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "api/"
        for pattern in resolver.url_patterns
        if pattern.name
    }
    assert doors - {"/api/", "/api/schema/", "/api/docs/"} == set(document["paths"])


def test_a_task_is_described_with_exactly_its_fields(document):
    schemas = document["components"]["schemas"]
    assert set(schemas["Task"]["properties"]) == FIELDS
    assert set(schemas["TaskDetail"]["properties"]) == FIELDS | {"attempt_log", "partial"}


def test_every_operation_names_its_errors_and_its_key(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), (method, path)
            assert {"apiKey": []} in operation["security"]
            assert operation["summary"]
            assert operation["description"]


def test_the_answers_have_the_shape_that_is_described(document, api, make_task):
    """Each key of a real answer is described, and each described one is there."""
    task = api.get(f"/api/tasks/{make_task().pk}/").json()
    described = document["components"]["schemas"]["TaskDetail"]
    assert set(task) == set(described["properties"]) == set(described["required"])
    for name, value in task.items():
        if value is None:
            assert described["properties"][name].get("nullable"), name


def test_the_filters_and_pages_are_parameters(document):
    operation = document["paths"]["/api/tasks/"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names >= {
        "status", "provider", "model", "priority", "priority__gte", "priority__lte",
        "created_after", "created_before", "tag", "result_source", "error_code", "truncated",
        "search", "ordering", "cursor", "limit", "batch", "template",
    }  # fmt: skip


def test_every_example_of_a_body_is_accepted_as_it_stands(document, api):
    tried = set()
    for path, operations in document["paths"].items():
        body = operations.get("post", {}).get("requestBody", {"content": {}})["content"]
        for example in body.get("application/json", {}).get("examples", {}).values():
            if "{" in path:
                continue
            response = api.post(path, example["value"])
            assert response.status_code in (200, 201), (path, response.content)
            tried.add(path.split("/")[2])
    assert tried >= {"tasks", "batches", "templates", "webhooks", "keys"}


def test_the_document_is_served_to_everybody(client):
    response = client.get("/api/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["openapi"].startswith("3.")
    assert client.get("/api/schema/?format=json").json()["paths"]


def test_the_root_lists_doors_that_are_there(api):
    doors = api.get("/api/").json()
    assert {"tasks", "actions", "providers", "schema", "docs"} <= set(doors)
    for name, address in doors.items():
        assert api.get(address).status_code in (200, 405), name


def test_bodies_are_closed_to_other_fields(document):
    bodies = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name.endswith("Request")
    }
    assert len(bodies) >= 4
    assert all(schema["additionalProperties"] is False for schema in bodies.values())
