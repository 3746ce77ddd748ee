"""Placeholders are names in double braces; everything else is plain text."""

from __future__ import annotations

import pytest

from tasks.policy.placeholders import fill, names_in


def test_each_name_is_found_once_in_its_order() -> None:
    assert names_in("{{ b }} {{a}} {{\tb }} {{ _c1 }}") == ["b", "a", "_c1"]


@pytest.mark.parametrize("text", [
    "{% debug %}", "{0.__class__}", "{{ a.b }}", "{{ a|safe }}", "{{ a b }}", "{{ }}", "{ a }",
    "{{ 1a }}", "{{ é }}", "{{ a\n}}", "{{ settings.SECRET_KEY }}", "${a}", "%(a)s", "\\1",
])  # fmt: skip
def test_everything_else_is_plain_text(text: str) -> None:
    assert names_in(text) == []
    assert fill(text, {}) == text


def test_values_are_not_read_for_placeholders() -> None:
    values = {"a": "{{ b }} \\1 \\g<0> {% debug %}", "b": "{{ a }}"}
    assert fill("{{ a }}|{{ b }}", values) == "{{ b }} \\1 \\g<0> {% debug %}|{{ a }}"


def test_long_runs_of_braces_are_read_in_no_time() -> None:
    assert names_in("{{ " * 300_000 + " " * 300_000) == []
