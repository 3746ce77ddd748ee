"""A real installation for tests that start and kill processes: own database, own environment.

`Deployment.manage("submit", "hello")` runs a command to its end; `Deployment.start("qcluster")`
starts one and returns the process, which leads a process group of its own. All of them are killed
when the deployment closes. Databases are copied from one migrated template per test run.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
_ADMIN = {
    "DJANGO_SUPERUSER_PASSWORD": "admin-password",
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
}


def wait_until(
    condition: Callable[[], Any], timeout_s: float = 20, what: str = "", every_s: float = 0.02
) -> Any:
    """The first truthy value of `condition`; AssertionError after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or condition}")
        time.sleep(every_s)


def _base_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TASKRUNNER_", "DJANGO_"))}
    return kept | {
        "SECRET_KEY": "tests-only-" + "0123456789" * 5,
        "DJANGO_SETTINGS_MODULE": "taskrunner.settings",
        "DEEPSEEK_API_KEY": "", "OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "",
        "LOCAL_API_KEY": "", "LOCAL_BASE_URL": "", "REDIS_URL": "",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def _is_postgres() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def _run_sql(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


@functools.cache
def template_database() -> str:
    """The address of a migrated database with an `admin`, made once per process."""
    folder = Path(tempfile.mkdtemp(prefix="taskrunner-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if _is_postgres():
        name = f"taskrunner_template_{uuid.uuid4().hex[:12]}"
        _run_sql(f'CREATE DATABASE "{name}"')
        atexit.register(_run_sql, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    else:
        url = f"sqlite:///{folder / 'template.sqlite3'}"
    prepare_database(url)
    return url


def prepare_database(url: str) -> None:
    """Apply the migrations and create `admin`, password `admin-password`."""
    environment = _base_environment() | _ADMIN | {"DATABASE_URL": url}
    for command in (["migrate", "-v0"], ["createsuperuser", "--noinput", "-v0"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True
        )


@dataclass(kw_only=True)
class Deployment:
    """One installation. `environment` may be changed until a process is started."""

    folder: Path
    database_url: str
    environment: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def create(cls, folder: Path, template: str) -> Iterator[Deployment]:
        url = _copy_database(template, folder)
        try:
            with cls.over(url, folder) as deployment:
                yield deployment
        finally:
            if url.startswith("postgres"):
                _run_sql(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    @classmethod
    @contextlib.contextmanager
    def over(cls, url: str, folder: Path) -> Iterator[Deployment]:
        """An installation over a prepared database that somebody else owns."""
        environment = _base_environment() | {
            "DATABASE_URL": url,
            "TASKRUNNER_JOURNAL_DIR": str(folder / "journal"),
            "TASKRUNNER_PRICE_FILE": str(folder / "prices.toml"),
        }
        deployment = cls(folder=folder, database_url=url, environment=environment)
        try:
            yield deployment
        finally:
            deployment.close()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`manage.py ARGUMENTS` in the background; its output goes to `log(process)`."""
        return self.spawn([sys.executable, "manage.py", *arguments], **environment)

    def spawn(
        self, command: list[str], pass_fds: tuple[int, ...] = (), **environment: str
    ) -> subprocess.Popen[str]:
        path = self.folder / f"process-{len(self.processes)}.log"
        with path.open("w") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment | environment, text=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, pass_fds=pass_fds,
            )  # fmt: skip
        process.log_path = path  # type: ignore[attr-defined]
        self.processes.append(process)
        return process

    def log(self, process: subprocess.Popen[str]) -> str:
        return process.log_path.read_text()  # type: ignore[attr-defined, no-any-return]

    def manage(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`manage.py ARGUMENTS` to its end, at most a minute."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, text=True, input=stdin,
            env=self.environment | environment, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows straight from the database, `%s` placeholders; writes are committed."""
        if self.database_url.startswith("postgres"):
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
                return cursor.fetchall() if cursor.description else []
        return _query_sqlite(self.database_path, statement.replace("%s", "?"), parameters)

    @property
    def database_path(self) -> str:
        return self.database_url.removeprefix("sqlite:///")

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _query_sqlite(path: str, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
        rows = connection.execute(statement, parameters).fetchall()
        connection.commit()
    return rows


def _copy_database(template: str, folder: Path) -> str:
    if template.startswith("postgres"):
        parts = urlsplit(template)
        name = f"taskrunner_test_{uuid.uuid4().hex[:12]}"
        _run_sql(f'CREATE DATABASE "{name}" TEMPLATE "{parts.path[1:]}"')
        return urlunsplit(parts._replace(path=f"/{name}"))
    shutil.copyfile(template.removeprefix("sqlite:///"), folder / "db.sqlite3")
    return f"sqlite:///{folder / 'db.sqlite3'}"
