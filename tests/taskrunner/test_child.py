"""When a child is started again, how soon, and when not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskrunner.supervisor.child import Child, describe_end, signal_group
from tests.deployment import ROOT, wait_until

_MODULE = "sleepy"


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A process that ignores SIGTERM, and forks another that does."""
    (tmp_path / f"{_MODULE}.py").write_text(
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "open(f'{os.getpid()}.up', 'w').close()\n"
        "signal.pause()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    child = Child("sleeper", _MODULE, [], tmp_path)
    child.start()
    pid = child.pid
    wait_until(lambda: len(list(tmp_path.glob("*.up"))) == 2, 30, "both processes")
    yield child
    for group in filter(None, (pid, child.pid)):  # it may have been started anew
        signal_group(group, signal.SIGKILL)


def _wait_for_end(child: Child) -> int:
    ended: list[int] = []

    def look() -> bool:
        child.press()
        code = child.poll()
        ended.extend([] if code is None else [code])
        return bool(ended)

    wait_until(look, 30, "the child's end")
    return ended[0]


def test_child_that_ignores_the_order_is_killed_with_its_forks(child: Child) -> None:
    pid = child.pid
    child.terminate(grace_s=0.1)
    assert _wait_for_end(child) == -signal.SIGKILL
    wait_until(lambda: not signal_group(pid, 0), 20, "an empty group")


def test_pause_grows_with_each_start_that_fails(child: Child) -> None:
    pauses = []
    for _ in range(3):
        os.killpg(child.pid, signal.SIGKILL)
        _wait_for_end(child)
        pauses.append(child.start_at - time.monotonic())
        child.start()
    assert pauses == sorted(pauses)
    assert pauses[2] > 3 * pauses[0]


def test_child_that_worked_starts_over_with_its_count(child: Child) -> None:
    child.failures = 3
    child.mark_healthy()
    os.killpg(child.pid, signal.SIGKILL)
    code = _wait_for_end(child)
    assert child.failures == 0
    assert not child.is_hopeless(code)


def test_child_that_ends_by_itself_before_it_ever_worked_is_hopeless(child: Child) -> None:
    assert child.is_hopeless(1)
    assert not child.is_hopeless(-signal.SIGKILL)


def test_child_that_fails_again_and_again_is_hopeless(child: Child) -> None:
    child.mark_healthy()
    child.failures = 5
    assert child.is_hopeless(-signal.SIGKILL)


def test_ends_are_told_in_words() -> None:
    assert describe_end(1) == "exit code 1"
    assert describe_end(-9) == "signal SIGKILL"
