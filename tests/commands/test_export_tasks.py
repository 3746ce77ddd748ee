"""`export_tasks`: what is in the file, whose tasks, and what a spreadsheet must not run."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from model_bakery import baker

from tasks.models import Task

pytestmark = pytest.mark.django_db


def _export(path: Path, *arguments: str, user: str = "owner") -> str:
    out = io.StringIO()
    call_command("export_tasks", str(path), "--user", user, *arguments, stdout=out)
    return out.getvalue()


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _task(owner: Any, **fields: Any) -> Task:
    task: Task = baker.make(Task, owner=owner, provider="mock", model="mock", **fields)
    return task


def test_jsonl_has_one_object_a_task_oldest_first(owner, tmp_path: Path) -> None:
    first = _task(owner, prompt="é", cost_usd=Decimal("0.0000012000"), tags=["a"])
    second = _task(owner, prompt="two\nlines", status="COMPLETED", result="“fine”")
    path = tmp_path / "out.jsonl"
    assert _export(path) == f"Exported 2 tasks to {path}.\n"
    one, two = _rows(path)
    assert (one["id"], one["prompt"], one["cost_usd"]) == (first.pk, "é", "0.0000012000")
    assert (one["tags"], one["owner"], one["result"]) == (["a"], "owner", None)
    assert (two["id"], two["prompt"], two["result"]) == (second.pk, "two\nlines", "“fine”")


def test_filters_are_those_of_the_list(owner, tmp_path: Path) -> None:
    for status in ("PENDING", "COMPLETED", "FAILED"):
        _task(owner, status=status, priority=3)
    _task(owner, status="FAILED", priority=9)
    path = tmp_path / "out.jsonl"
    _export(path, "--status", "FAILED", "COMPLETED", "--priority--lte", "5")
    assert [row["status"] for row in _rows(path)] == ["COMPLETED", "FAILED"]


def test_bad_filter_is_told_and_leaves_the_old_file(owner, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(CommandError, match="created_after"):
        _export(path, "--created-after", "yesterday")
    assert path.read_text() == "old"


def test_others_tasks_are_left_out_unless_staff_asks(
    owner, stranger, operator, tmp_path: Path
) -> None:
    _task(owner)
    _task(stranger)
    path = tmp_path / "out.jsonl"
    _export(path)
    assert [row["owner"] for row in _rows(path)] == ["owner"]
    _export(path, user="operator")
    assert [row["owner"] for row in _rows(path)] == ["owner", "stranger"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_formula_in_a_csv_cell_is_neutralised(owner, tmp_path: Path, start: str) -> None:
    _task(owner, prompt=f"{start}cmd()", result=f"{start}1+1", custom_id="harmless")
    path = tmp_path / "out.csv"
    _export(path)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["prompt"] == f"'{start}cmd()"
    assert row["result"] == f"'{start}1+1"
    assert row["custom_id"] == "harmless"


def test_failed_export_leaves_no_part_behind(owner, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").mkdir()
    with pytest.raises(CommandError, match="cannot be written"):
        _export(tmp_path / "out.jsonl")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_other_endings_are_a_usage_error(owner, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="must end in") as refusal:
        _export(tmp_path / "out.xlsx")
    assert refusal.value.returncode == 2
