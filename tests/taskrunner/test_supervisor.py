"""What `./run` holds together: kills, stops, terminals, children that cannot live."""

from __future__ import annotations

import os
import pty
import signal
import time

import pytest

from tests.deployment import wait_until
from tests.fakes.provider import Behaviour, FakeProvider, Fault
from tests.taskrunner.project import LONGEST_STOP_S, Project, is_answering

pytestmark = pytest.mark.processes

_WEB = "taskrunner.supervisor.web"
_WORKER = "taskrunner.supervisor.worker"


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stop_signal_ends_all_of_it_in_time(project: Project, number: int) -> None:
    run = project.start()
    run.wait_until_ready()
    assert len(project.pids()) > 4  # supervisor, web, cluster, its sentinel, drains

    assert run.end(number) == 0
    assert not project.pids()
    assert run.output.rstrip().endswith("Stopped.")


@pytest.mark.once
def test_closed_terminal_ends_all_of_it(project: Project) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(project.folder / "run", ["./run", "--port", "0"], project.environment)  # noqa: S606
    seen = b""
    while b"Ready: http://" not in seen:
        seen += os.read(terminal, 4096)
    os.close(terminal)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0], LONGEST_STOP_S, "the supervisor's end")
    assert not project.pids()


@pytest.mark.once
def test_killed_web_process_comes_back(project: Project) -> None:
    run = project.start()
    run.wait_until_ready()
    before = project.pids(_WEB)
    _kill(before)
    # The supervisor holds the port: a request in between waits, none is refused.
    assert is_answering(run.port)
    assert project.pids(_WEB).isdisjoint(before)


@pytest.mark.parametrize("victim", ["main process", "sentinel"])
def test_killed_cluster_is_replaced_and_nobody_is_orphaned(project: Project, victim: str) -> None:
    run = project.start("--no-web")
    run.wait_until_ready()
    before = project.pids(_WORKER)
    main = {pid for pid in before if os.getpgid(pid) == pid}
    _kill(main if victim == "main process" else _children_of(main))

    wait_until(lambda: not before & project.pids(_WORKER), 20, "the old cluster's end")
    answered = project.run("submit", "still there?", "--wait")
    assert answered.returncode == 0, answered.stderr
    assert "The worker cluster ended" in run.output


@pytest.mark.once
def test_killed_supervisor_takes_its_children_along(project: Project) -> None:
    run = project.start()
    run.wait_until_ready()
    run.process.kill()
    project.wait_until_gone(LONGEST_STOP_S)


def test_cluster_whose_workers_are_frozen_is_renewed_when_work_waits(project: Project) -> None:
    run = project.start("--no-web", TASKRUNNER_LEASE="1")
    run.wait_until_ready()
    for pid in _drains_of(project):
        os.kill(pid, signal.SIGSTOP)

    answered = project.run("submit", "anybody?", "--wait", TASKRUNNER_LEASE="1")
    assert answered.returncode == 0, answered.stderr
    assert "does not take the work that waits" in run.output


@pytest.mark.once
def test_child_that_never_works_ends_the_start_with_its_name(project: Project) -> None:
    asgi = project.folder / "taskrunner" / "asgi.py"
    asgi.write_text("raise SystemExit('broken on purpose')\n")
    started = project.run("--port", "0")
    assert started.returncode == 1
    assert "broken on purpose" in started.stderr
    assert "The web process cannot be kept running (exit code 1, 1 starts)" in started.stdout
    assert not project.pids()


def test_stop_during_a_call_releases_it_within_the_grace_time(project: Project) -> None:
    with FakeProvider() as provider:
        provider.script(Behaviour(fault=Fault.HANG), repeat=True)
        keys = {"LOCAL_BASE_URL": provider.base_url("local"), "TASKRUNNER_CALL_TIMEOUT": "60"}
        run = project.start("--no-web", **keys)
        run.wait_until_ready()
        submitted = project.run("submit", "hang", "--provider", "local", "--model", "m", **keys)
        assert submitted.returncode == 0, submitted.stderr
        wait_until(provider.count, 30, "the call")

        started = time.monotonic()
        assert run.end() == 0
        assert time.monotonic() - started < LONGEST_STOP_S
        assert not project.pids()
        status = (
            "from tasks.models import Task; t = Task.objects.get(); print(t.status, t.attempts)"
        )
        assert project.run("shell", "-v0", "-c", status, **keys).stdout.strip() == "PENDING 0"


def _kill(pids: set[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _children_of(parents: set[int]) -> set[int]:
    children: set[int] = set()
    for pid in parents:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children |= {int(text) for text in file.read().split()}
    return children


def _drains_of(project: Project) -> set[int]:
    rows = project.run(
        "shell", "-v0", "-c",
        "from tasks.models import Worker; print(*Worker.objects.values_list('pid', flat=True))",
    )  # fmt: skip
    pids = {int(text) for text in rows.stdout.split()}
    assert pids, rows.stderr
    return pids
