"""The client in docs/api.md, as a reader would run it, against a running installation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.test_server import server
from tests.deployment import ROOT, Deployment

__all__ = ["server"]  # a fixture
pytestmark = pytest.mark.processes


def test_the_client_submits_a_batch_follows_it_and_stores_the_answers(
    shared_deployment: Deployment, server, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.S)
    assert len(program.splitlines()) <= 40
    client, tasks, answers = (tmp_path / name for name in ("client.py", "in.jsonl", "out.jsonl"))
    client.write_text(program)
    shared_deployment.start("qcluster")

    def run() -> subprocess.CompletedProcess[str]:
        environment = {"TASKRUNNER_URL": f"http://127.0.0.1:{server.port}",
                       "TASKRUNNER_KEY": server.key}  # fmt: skip
        command = [sys.executable, str(client), str(tasks), str(answers)]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    orders = [{"prompt": f"number {n}", "custom_id": f"c-{n}"} for n in range(20)]
    tasks.write_text("".join(json.dumps(order) + "\n" for order in orders))
    for _ in range(2):  # the second time it goes on with the same batch
        done = run()
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in answers.read_text().splitlines()]
        assert [line["custom_id"] for line in lines] == [f"c-{n}" for n in range(20)]
        assert all(f"number {n}" in line["result"] for n, line in enumerate(lines))
    assert shared_deployment.query("SELECT count(*) FROM tasks_batch") == [(1,)]

    tasks.write_text('{"prompt": "good"}\n{"prompt": ""}\n')
    refused = run()
    assert (refused.returncode, "lines.2.prompt" in refused.stderr) == (1, True)
