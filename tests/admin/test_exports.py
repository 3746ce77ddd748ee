from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.test import AsyncClient

from tasks.models import Task
from tasks.stats.export import csv_chunks, jsonl_chunks

LIST = "/admin/tasks/task/"


def _export(client, kind, tasks, **data):
    keys = [task.pk for task in tasks]
    return client.post(
        LIST, {"action": f"export_{kind}", "_selected_action": keys, "confirmed": "1"} | data
    )


def _keys():
    return Task.objects.values_list("pk", flat=True)


def test_csv_holds_the_selection_newest_first(operator_client, make_task):
    tasks = [make_task("COMPLETED", result=f"answer, {n}\nsecond line") for n in range(3)]
    response = _export(operator_client, "csv", tasks[:2])
    assert "attachment" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert [int(row["id"]) for row in rows] == [tasks[1].pk, tasks[0].pk]
    assert rows[0]["result"] == "answer, 1\nsecond line"
    assert rows[0]["owner"] == "owner"
    assert LogEntry.objects.get().change_message == "Exported tasks as CSV."


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_of_a_csv_begins_as_a_formula(make_task, start):
    text = f"{start}cmd|' /C calc'!A0"
    make_task("FAILED", prompt="x" + text, result=text, error_message=text, custom_id=text,
              tags=[text])  # fmt: skip
    (row,) = csv.DictReader(io.StringIO("".join(csv_chunks(_keys())), newline=""))
    for column in ("result", "error_message", "custom_id"):
        assert row[column] == "'" + text
    assert row["prompt"] == "x" + text
    assert not any(cell.startswith(start) for cell in row.values())


def test_jsonl_keeps_every_text_to_the_letter(operator_client, make_task):
    task = make_task("COMPLETED", result="=1+1\n</script> ü", cost_usd=Decimal("0.00000012"))
    response = _export(operator_client, "jsonl", [task])
    (line,) = response.getvalue().decode().splitlines()
    row = json.loads(line)
    assert (row["result"], row["cost_usd"]) == ("=1+1\n</script> ü", "0.00000012")
    assert row["error_code"] == ""


def test_a_filter_as_a_whole_can_be_exported(operator_client, make_task):
    failed, other = make_task("FAILED"), make_task()
    response = operator_client.post(
        LIST + "?status__exact=FAILED",
        {
            "action": "export_jsonl",
            "_selected_action": [failed.pk],
            "select_across": "1",
            "confirmed": "1",
        },
    )
    ids = [json.loads(line)["id"] for line in response.getvalue().decode().splitlines()]
    assert ids == [failed.pk]
    assert other.pk not in ids


def test_pages_join_without_a_gap_or_a_double(make_task):
    made = [make_task().pk for _ in range(7)]
    with patch("tasks.stats.export._PAGE", 3):
        ids = [json.loads(line)["id"] for line in "".join(jsonl_chunks(_keys())).splitlines()]
    assert ids == sorted(made, reverse=True)


def test_an_export_is_streamed_under_asgi_too(operator, make_task):
    tasks = [make_task() for _ in range(5)]

    async def download():
        client = AsyncClient()
        await client.aforce_login(operator)
        keys = [t.pk for t in tasks]
        data = {"action": "export_jsonl", "_selected_action": keys, "confirmed": "1"}
        response = await client.post(LIST, data)
        return [part async for part in response.streaming_content]

    with patch("tasks.stats.export._PAGE", 2):
        parts = async_to_sync(download)()
    assert len(parts) == 3
    assert len(b"".join(parts).splitlines()) == 5


def test_whoever_may_not_see_tasks_exports_none(staff_client, make_task):
    assert _export(staff_client("add_task"), "csv", [make_task()]).status_code == 403
