"""One `./run` per database and folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskrunner.supervisor.lock import hold
from taskrunner.supervisor.refusal import StartRefused

_DATABASE = {"ENGINE": "sqlite3", "HOST": "", "PORT": "", "NAME": "/a.sqlite3", "PASSWORD": "x"}


def test_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with hold(tmp_path, "web", _DATABASE), pytest.raises(StartRefused, match=f"{os.getpid()}"):
        hold(tmp_path, "web", _DATABASE)


def test_lock_is_free_again_once_its_holder_is_gone(tmp_path: Path) -> None:
    hold(tmp_path, "web", _DATABASE).close()
    hold(tmp_path, "web", _DATABASE).close()


@pytest.mark.parametrize(("role", "name"), [("worker", "/a.sqlite3"), ("web", "/b.sqlite3")])
def test_other_role_and_other_database_have_locks_of_their_own(
    tmp_path: Path, role: str, name: str
) -> None:
    with hold(tmp_path, "web", _DATABASE):
        hold(tmp_path, role, _DATABASE | {"NAME": name}).close()
