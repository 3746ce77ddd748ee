"""Filters given as a JSON object: the same rules as in a query string."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.services.selection import select_tasks


def found(user, criteria):
    return set(select_tasks(user, criteria).values_list("pk", flat=True))


def test_values_of_every_json_kind_select(owner, make_task):
    cut = make_task(priority=9, set_to={"truncated": True, "status": "COMPLETED"}).pk
    plain = make_task().pk
    assert found(owner, {}) == {cut, plain}
    assert found(owner, {"priority": 9}) == {cut}
    assert found(owner, {"truncated": True}) == {cut}
    assert found(owner, {"truncated": False}) == {plain}
    assert found(owner, {"status": ["COMPLETED", "FAILED"]}) == {cut}
    assert found(owner, {"status": "PENDING"}) == {plain}


@pytest.mark.parametrize("value", [None, {}, [], [None], 1.5, [[1]], {"a": 1}, "\ud800", ["\udfff"],
                                   "\x00", 2**70, "", " "])  # fmt: skip
@pytest.mark.parametrize("name", ["tag", "search", "status", "priority", "model"])
def test_a_value_that_is_none_is_refused_by_name(owner, name, value):
    with pytest.raises(InvalidInput) as refusal:
        found(owner, {name: value})
    assert list(refusal.value.fields) == [name]


def test_several_values_are_for_status_and_provider_alone(owner, make_task):
    make_task()
    assert found(owner, {"provider": ["mock", "openai"]})
    with pytest.raises(InvalidInput):
        found(owner, {"tag": ["a", "b"]})


def test_an_unknown_filter_is_refused_with_the_known_ones(owner):
    with pytest.raises(InvalidInput) as refusal:
        found(owner, {"owner": 1, "\ud800": 2})
    assert "created_after" in refusal.value.fields["owner"][0]
