"""`import_tasks`: all or nothing, with the numbers of the bad lines."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Batch, Task
from tests.deployment import Deployment

pytestmark = pytest.mark.django_db


def _import(path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    out = io.StringIO()
    call_command("import_tasks", str(path), "--user", "owner", stdout=out)
    return out.getvalue()


def test_each_line_becomes_a_task_in_its_order(owner, tmp_path: Path) -> None:
    lines = [{"prompt": f"number {i}", "priority": 1 + i % 10, "tags": ["x"]} for i in range(1200)]
    text = "\n".join(json.dumps(line) for line in lines)
    assert (
        _import(tmp_path / "in.jsonl", text)
        == f"Imported 1200 tasks as batch {Batch.objects.get().pk}.\n"
    )
    rows = Task.objects.order_by("id").values_list("prompt", "priority", "status", "owner_id")
    expected = [(line["prompt"], line["priority"], "PENDING", owner.pk) for line in lines]
    assert list(rows) == expected
    batch = Batch.objects.get()
    assert (batch.name, batch.total, batch.tasks.count()) == ("in.jsonl", 1200, 1200)


def test_blank_lines_and_a_byte_order_mark_do_no_harm(owner, tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf{"prompt": "one"}\r\n\r\n{"prompt": "two"}\r\n'
    assert (
        _import(tmp_path / "in.jsonl", text)
        == f"Imported 2 tasks as batch {Batch.objects.get().pk}.\n"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"prompt": ', "is not JSON"),
        (b'{"prompt": "\xff"}', "is not UTF-8"),
        (b'{"prompt": "x", "temperature": NaN}', "NaN is no JSON number"),
        (b"[" * 100_000, "is nested too deep"),
        (b'["prompt"]', "Must be a JSON object"),
        (b'{"prompt": "x", "status": "COMPLETED"}', "status: "),
        (b'{"prompt": "x", "priority": 11}', "priority: "),
        (b'{"prompt": "a\\u0000b"}', "prompt: "),
        (b'{"prompt": "x", "provider": "local"}', "provider: "),
        (b'"' + b"x" * 2_700_000 + b'"', "is longer than"),
    ],
)
def test_bad_line_is_told_by_number_and_nothing_is_imported(
    owner, settings, tmp_path: Path, line: bytes, told: str
) -> None:
    settings.TASKRUNNER_MOCK = "fallback"
    good = b'{"prompt": "good"}\n'
    with pytest.raises(CommandError, match=rf"(?s)^line 3 .*{told}.*Nothing was imported: 1 line"):
        _import(tmp_path / "in.jsonl", good * 2 + line + b"\n" + good)
    assert not Task.objects.exists()


def test_empty_file_is_refused(owner, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is none"):
        _import(tmp_path / "in.jsonl", "\n\n")
    assert not Batch.objects.exists()


def test_many_bad_lines_are_counted_but_not_all_listed(owner, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as refusal:
        _import(tmp_path / "in.jsonl", "{}\n" * 5000)
    lines = str(refusal.value).splitlines()
    assert len(lines) == 102
    assert lines[-2:] == [
        "… and 4900 more", "Nothing was imported: 5000 lines are not usable.",
    ]  # fmt: skip


def test_file_that_is_missing_is_one_line(owner, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_tasks", str(tmp_path / "none.jsonl"), "--user", "owner")


@pytest.mark.processes
def test_imported_tasks_are_called(deployment: Deployment, tmp_path: Path) -> None:
    deployment.start("qcluster")
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "from a file"}\n' * 3)
    imported = deployment.manage("import_tasks", str(path))
    assert (imported.returncode, imported.stdout) == (0, "Imported 3 tasks as batch 1.\n"), (
        imported.stderr
    )
    assert deployment.manage("submit", "the last", "--wait").returncode == 0
    statuses = deployment.query("SELECT DISTINCT status FROM tasks_task WHERE prompt LIKE 'from%%'")
    assert statuses == [("COMPLETED",)]
