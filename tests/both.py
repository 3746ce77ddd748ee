"""The whole suite on SQLite and on PostgreSQL at the same time, as `./test` runs it.

Many tests wait for real processes, so two suites side by side take little longer than one. SQLite's
report is shown as it comes, PostgreSQL's after it. What is marked `once` runs on SQLite alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

import psycopg

from tests.faults.private_postgres import PrivatePostgres, find_binaries

_SQLITE = "sqlite:///db.sqlite3"
_LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
# Nothing of a throwaway server has to outlive the machine.
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


def main() -> int:
    """0 if both passed; else 1, told by name."""
    with _postgres() as url, tempfile.TemporaryFile("w+") as report:
        _say("tests on SQLite, and on PostgreSQL beside it" if url else "tests on SQLite")
        running = {"SQLite": _start(_SQLITE)}
        if url:
            running["PostgreSQL"] = _start(url, "-m", "not once", output=report)
        try:
            failed = [name for name, process in running.items() if process.wait() != 0]
        finally:
            for process in running.values():
                process.terminate()
        if url:
            _say("tests on PostgreSQL, without those that are marked `once`")
            report.seek(0)
            shutil.copyfileobj(report, sys.stdout)
    if not url:
        _say("!!! SKIPPED: tests on PostgreSQL. Install a server, or set TEST_POSTGRES_URL.")
        failed += ["PostgreSQL"] if os.environ.get("CI") else []
    for name in failed:
        _say(f"FAILED: tests on {name}")
    return 1 if failed else 0


@contextlib.contextmanager
def _postgres() -> Iterator[str | None]:
    """The address that TEST_POSTGRES_URL names, else of a server of our own, else of the machine's;
    None if there is none."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
    elif find_binaries():
        with PrivatePostgres.running(settings=_FORGETFUL) as server:
            yield server.url
    else:
        yield _LOCAL if _answers(_LOCAL) else None


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _start(url: str, *arguments: str, output: IO[str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "2", *arguments],
        env=os.environ | {"DATABASE_URL": url}, stdin=subprocess.DEVNULL,
        stdout=output, stderr=subprocess.STDOUT if output else None,
    )  # fmt: skip


def _say(line: str) -> None:
    print(f"\n=== {line}", flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    sys.exit(main())
