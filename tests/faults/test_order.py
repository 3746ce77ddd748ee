"""Rows O1 to O5 of the fault list: order, and races between two that both want the last word."""

from __future__ import annotations

import json
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from tests.deployment import wait_until
from tests.fakes.behaviour import Behaviour, Fault
from tests.faults.installation import Installation

pytestmark = pytest.mark.processes


def called_prompts(installation: Installation) -> list[str]:
    """The prompts in the order in which they reached the provider."""
    return [request["prompt"] for request in installation.provider.log()["requests"]]


def one_slot(installation: Installation) -> None:
    installation.deployment.environment |= {
        "TASKRUNNER_WORKERS": "1",
        "TASKRUNNER_CONCURRENCY": "1",
    }


def test_most_urgent_is_called_first_then_the_oldest(installation: Installation):
    """O1, with one slot."""
    one_slot(installation)
    for priority in (1, 10, 5, 1, 10):
        number = len(installation.ids())
        installation.submit(f"{priority}-{number}", priority=priority)
    installation.start_cluster()

    assert installation.wait_for_end() == {"COMPLETED": 5}
    assert called_prompts(installation) == ["10-1", "10-4", "5-2", "1-0", "1-3"]


def test_urgent_newcomer_overtakes_two_hundred_that_wait(installation: Installation):
    """O1: it is called next, before any of those that waited when it came."""
    installation.provider.set_latency(0.2)
    installation.provider.hold()
    installation.start_cluster(TASKRUNNER_CONCURRENCY="8")
    installation.submit(*(f"patient {number}" for number in range(200)), priority=1)
    installation.wait_for_calls(8)
    (urgent,) = installation.submit("urgent", priority=9)
    installation.provider.release()
    installation.wait_for_end(60)

    later = "SELECT count(*) FROM tasks_task WHERE priority = 1 AND started_at > %s"
    earlier = (
        "SELECT count(*) FROM tasks_task WHERE priority = 1 AND started_at > %s AND started_at < %s"
    )
    created, started = installation.task(urgent, "created_at", "started_at")
    assert installation.deployment.query(later, (started,))[0][0] > 50
    overtook_it = installation.deployment.query(earlier, (created, started))[0][0]
    assert overtook_it == 0 or overtook_it <= 8  # claimed in the instant before its commit


def test_reprioritised_task_moves(installation: Installation):
    """O1."""
    one_slot(installation)
    installation.submit("first", "second", "third", priority=5)
    installation.deployment.manage(
        "shell",
        "-c",
        "from django.contrib.auth import get_user_model as m\n"
        "from tasks import services; from tasks.models import Task\n"
        "admin = m().objects.get(username='admin')\n"
        "services.change(admin, Task.objects.get(prompt='third').pk, {'priority': 6})",
    )
    installation.start_cluster()

    assert installation.wait_for_end() == {"COMPLETED": 3}
    assert called_prompts(installation) == ["third", "first", "second"]


def test_no_task_starts_while_a_more_urgent_one_waits(installation: Installation):
    """O1 over four processes under load: told by the claims' times, all of them the database's.

    Two claims at the same moment may each hold what the other has not seen yet; so nothing is asked
    of those within a quarter of a second.
    """
    installation.deployment.environment |= {
        "TASKRUNNER_WORKERS": "4", "TASKRUNNER_CONCURRENCY": "16", "TASKRUNNER_AGING": "0",
        "TASKRUNNER_LEASE": "10",
    }  # fmt: skip
    installation.provider.set_latency(0.1)
    installation.start_cluster()
    for wave in range(4):
        path = installation.deployment.folder / f"wave-{wave}.jsonl"
        chosen = random.Random(wave).choices(range(1, 11), k=150)
        path.write_text("".join(
            json.dumps({"prompt": f"{wave} {n}", "provider": "openai", "priority": p}) + "\n"
            for n, p in enumerate(chosen)
        ))  # fmt: skip
        assert installation.deployment.manage("import_tasks", str(path)).returncode == 0

    assert installation.wait_for_end(90) == {"COMPLETED": 600}
    started = installation.deployment.query(
        "SELECT priority, created_at, started_at FROM tasks_task ORDER BY started_at"
    )
    claims = [(p, _moment(created), _moment(begun)) for p, created, begun in started]
    overtaken = [
        (early, late)
        for number, early in enumerate(claims)
        for late in claims[number:]
        if late[0] > early[0] and late[1] < early[2] - 0.25 and late[2] > early[2] + 0.25
    ]
    assert overtaken == []
    waited_s = max(begun - created for _, created, begun in claims)
    assert waited_s > 1  # there was something to overtake
    workers = installation.deployment.query("SELECT count(DISTINCT worker) FROM tasks_attempt")
    assert workers[0][0] == 4


def _moment(told: datetime | str) -> float:
    """Seconds; SQLite tells times as text."""
    return (told if isinstance(told, datetime) else datetime.fromisoformat(told)).timestamp()


def test_cancel_against_completion_leaves_one_terminal_state_each(installation: Installation):
    """O2, 200 times: whoever is first has the last word, and the row agrees with its attempt."""
    installation.provider.set_latency(0.6)
    # So few at once that the cancelling begins, however slowly, before all have ended.
    installation.deployment.environment["TASKRUNNER_CONCURRENCY"] = "8"
    installation.start_cluster()
    installation.submit(*(f"prompt {number}" for number in range(200)))
    installation.wait_for_calls(1)
    done = installation.deployment.manage("shell", "-c", _CANCEL_ALL)
    assert done.returncode == 0, done.stderr
    statuses = installation.wait_for_end()

    cancelled = int(done.stdout.strip().splitlines()[-1])
    assert statuses["CANCELLED"] == cancelled
    assert statuses["CANCELLED"] + statuses["COMPLETED"] == 200
    assert 0 < cancelled < 200
    both = installation.deployment.query(
        "SELECT count(*) FROM tasks_task WHERE (status = 'CANCELLED' AND result IS NOT NULL) "
        "OR (status = 'COMPLETED' AND result IS NULL)"
    )
    assert both == [(0,)]
    ended = "SELECT id, status, finished_at FROM tasks_task ORDER BY id"
    before = installation.deployment.query(ended)
    wait_until(lambda: installation.provider.counts()["in_flight"] == 0, 30, "late answers are in")
    assert installation.deployment.query(ended) == before


_CANCEL_ALL = """
from concurrent.futures import ThreadPoolExecutor
from django.contrib.auth import get_user_model
from django.db import connection
from tasks import services
from tasks.errors import InvalidState
from tasks.models import Task
admin = get_user_model().objects.get(username="admin")
def cancel(pk):
    try:
        services.cancel(admin, pk)
        return 1
    except InvalidState:
        return 0
    finally:
        connection.close()
ids = list(Task.objects.order_by("id").values_list("pk", flat=True))
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(cancel, ids)))
"""


def test_one_idempotency_key_used_twenty_times_at_once_makes_one_task(installation: Installation):
    """O3: in twenty threads of one process; REST's own race is tested with the API."""
    done = installation.deployment.manage("shell", "-c", _SUBMIT_AT_ONCE)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "1"
    assert len(installation.ids()) == 1


_SUBMIT_AT_ONCE = """
import threading
from concurrent.futures import ThreadPoolExecutor
from django.contrib.auth import get_user_model
from django.db import connection
from tasks import services
admin = get_user_model().objects.get(username="admin")
gate = threading.Barrier(20)
def submit(_):
    try:
        gate.wait(10)
        return services.submit(admin, {"prompt": "once"}, idempotency_key="key").task.pk
    finally:
        connection.close()
with ThreadPoolExecutor(20) as pool:
    print(len(set(pool.map(submit, range(20)))))
"""


def test_two_clusters_call_each_of_two_thousand_tasks_once(installation: Installation):
    """O4."""
    installation.deployment.environment["TASKRUNNER_CONCURRENCY"] = "64"
    # Nobody dies here, and a starved worker must not look as if it had.
    installation.deployment.environment["TASKRUNNER_LEASE"] = "30"
    installation.submit(*(f"prompt {number}" for number in range(2_000)))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: installation.deployment.start("qcluster"), range(2)))

    assert installation.wait_for_end(90) == {"COMPLETED": 2_000}
    by_prompt = installation.provider.counts()["by_prompt"]
    assert (len(by_prompt), set(by_prompt.values())) == (2_000, {1})
    workers = installation.deployment.query("SELECT count(DISTINCT worker) FROM tasks_attempt")
    assert workers[0][0] >= 3


def test_after_an_outage_the_provider_is_probed_before_the_rest_comes_back(
    installation: Installation,
):
    """O5: the breaker opens, one probe goes, and only then the others, no herd of them."""
    installation.provider.script(Behaviour(status=401), prompt_contains="prompt", repeat=True)
    installation.deployment.environment["TASKRUNNER_LEASE"] = "30"
    small = installation.start_cluster()
    installation.submit(*(f"prompt {number}" for number in range(500)))
    wait_until(
        lambda: installation.deployment.query(
            "SELECT count(*) FROM tasks_task WHERE waiting_reason LIKE 'openai: breaker open%%'"
        )[0][0] >= 484,
        30, "the rest is parked",
    )  # fmt: skip
    refused = installation.provider.count()
    assert refused <= 16  # what was in flight when the first refusal was settled
    small.send_signal(signal.SIGTERM)
    small.wait(15)

    installation.start_cluster(TASKRUNNER_CONCURRENCY="500")
    installation.provider.script(Behaviour(), prompt_contains="prompt", repeat=True)
    installation.provider.set_latency(0.3)
    _let_the_probe_go(installation)
    wait_until(lambda: installation.provider.count() > refused, 30, "a probe")
    started = [request["received_at"] for request in installation.provider.log()["requests"]]
    wait_until(lambda: installation.provider.count() > refused + 1, 30, "the others")
    assert len(started) == refused + 1
    assert installation.wait_for_end(60) == {"COMPLETED": 500 - refused, "FAILED": refused}
    requests = installation.provider.log()["requests"]
    probe, *others = sorted(request["received_at"] for request in requests)[refused:]
    assert others[0] - probe >= 0.3  # not before it was answered
    assert len(others) == 499 - refused
    # A tenth of them each 0.3 s; without that spread they fill all 500 slots at once.
    most = max(sum(first <= one < first + 0.3 for one in others) for first in others)
    assert most <= 250, f"{most} of {len(others)} within 0.3 s"


def _let_the_probe_go(installation: Installation) -> None:
    """As if the breaker's 30 s were over."""
    installation.deployment.manage(
        "shell",
        "-c",
        "from tasks.models import ProviderState as P\n"
        "s = P.objects.get(name='openai'); s.breaker_json = {**s.breaker_json, 'until': 0.0}\n"
        "s.save()",
    )
    _wake_all(installation)


def _wake_all(installation: Installation) -> None:
    installation.deployment.query(
        "UPDATE tasks_task SET wake_at = NULL WHERE status = 'PENDING' AND wake_at IS NOT NULL"
    )


def test_cancelled_call_makes_room_for_the_next_within_seconds(installation: Installation):
    one_slot(installation)
    installation.provider.script(Behaviour(fault=Fault.HANG), prompt_contains="hang")
    installation.start_cluster()
    (hung,) = installation.submit("hang")
    installation.wait_for_calls(1)
    (waiting,) = installation.submit("next")
    done = installation.deployment.manage("shell", "-c", _CANCEL_ALL.replace(
        "Task.objects.order_by", f"Task.objects.filter(pk={hung}).order_by"))  # fmt: skip
    assert done.returncode == 0, done.stderr

    assert installation.wait_for_end(10) == {"CANCELLED": 1, "COMPLETED": 1}
    assert installation.task(waiting, "status") == ("COMPLETED",)
    wait_until(lambda: installation.outcomes(hung) == ["cancelled"], 20, "its attempt")
