"""The postman where he works: beside a real worker, whose tasks do not wait for him."""

from __future__ import annotations

import json
import threading

import pytest

from tests.deployment import wait_until
from tests.webhooks.conftest import Receiver

pytestmark = pytest.mark.processes
_MAKE = """
from django.contrib.auth import get_user_model
from tasks.services.webhooks import create_webhook
create_webhook(get_user_model().objects.get(username="admin"), {{"url": "{url}"}})
"""


def test_a_receiver_that_hangs_holds_up_no_task_and_no_other_receiver(deployment):
    hanging, good = Receiver(), Receiver()
    threading.Thread(target=good.serve_forever, args=(0.02,), daemon=True).start()
    deployment.environment["TASKRUNNER_WEBHOOK_ALLOWED_HOSTS"] = "127.0.0.1"
    for receiver in (hanging, good):  # nobody serves the first: connected, never answered
        made = deployment.manage("shell", "-c", _MAKE.format(url=receiver.url))
        assert made.returncode == 0, made.stderr
    deployment.start("qcluster", TASKRUNNER_WORKERS="1", TASKRUNNER_CONCURRENCY="2")
    lines = deployment.folder / "tasks.jsonl"
    lines.write_text("\n".join(json.dumps({"prompt": f"task {n}"}) for n in range(30)))
    assert deployment.manage("import_tasks", str(lines)).returncode == 0

    done = "SELECT count(*) FROM tasks_task WHERE status = 'COMPLETED'"
    wait_until(lambda: deployment.query(done) == [(30,)], 12, "no task waits for a receiver")
    wait_until(lambda: len(ends(good)) == 30, 12, "nor does the other receiver")
    assert len(set(ends(good))) == 30
    good.shutdown()
    for receiver in (hanging, good):
        receiver.server_close()


def ends(receiver: Receiver) -> list[int]:
    """The tasks that it was told the end of."""
    told = [json.loads(body) for _, body in receiver.came]
    return [one["data"]["id"] for one in told if one["type"] == "task.completed"]
