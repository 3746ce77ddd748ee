"""`./run` from the outside: first start, commands, the demo, what it refuses."""

from __future__ import annotations

import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment import wait_until
from tests.taskrunner.project import Project, is_answering

pytestmark = pytest.mark.processes

_PASSWORD = r"Log in as admin with the password (\S+)"


def test_first_start_sets_everything_up_and_tells_where_it_is(project: Project) -> None:
    run = project.start()
    assert run.wait_until_ready() == f"Ready: http://127.0.0.1:{run.port}/"

    dotenv = project.folder / ".env"
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600
    assert re.search(r"^SECRET_KEY=\S{50,}$", dotenv.read_text(), re.MULTILINE)
    for path in ("/admin/", "/stats/", "/api/docs/"):
        assert f"http://127.0.0.1:{run.port}{path}" in run.output
        assert is_answering(run.port, path)

    (password,) = re.findall(_PASSWORD, run.output)
    check = (
        "from django.contrib.auth import authenticate; "
        f"print(authenticate(username='admin', password={password!r}).is_superuser)"
    )
    assert project.run("shell", "-v0", "-c", check).stdout.strip() == "True"


def test_second_start_sets_nothing_up_again_and_keeps_key_and_password(project: Project) -> None:
    first = project.start()
    first.wait_until_ready()
    first.end()
    dotenv = (project.folder / ".env").read_text()

    second = project.start()
    second.wait_until_ready()
    assert "Installing" not in second.output  # what takes long is done once
    assert "Applying migrations" not in second.output
    assert not re.search(_PASSWORD, second.output)
    assert (project.folder / ".env").read_text() == dotenv


@pytest.mark.once
def test_demo_prints_a_dozen_results_and_runs_on(project: Project) -> None:
    run = project.start("--demo")
    run.wait_until_ready()
    line = "Demo: 12 of 12 tasks completed"
    wait_until(lambda: line in run.output, 20, line)
    assert (
        len(re.findall(r"^\[ ?\d+/12\] task \d+, priority \d+: COMPLETED", run.output, re.M)) == 12
    )
    assert is_answering(run.port)


def test_submit_from_a_fresh_clone_prints_the_result_alone(project: Project) -> None:
    answered = project.run("submit", "hello")
    assert (answered.returncode, answered.stdout) == (0, "1\n"), answered.stderr
    assert "Made the user admin" in answered.stderr

    project.start("--no-web").wait_until_ready()
    answered = project.run("submit", "Is anybody there?", "--wait")
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("This is a mock answer")
    assert answered.stderr == ""


@pytest.mark.once
def test_command_keeps_its_own_exit_code_and_folder(project: Project) -> None:
    (project.folder.parent / "here.jsonl").write_text('{"prompt": "one"}\n')
    imported = project.run("import_tasks", "here.jsonl")
    assert (imported.returncode, imported.stdout) == (0, "Imported 1 tasks as batch 1.\n"), (
        imported.stderr
    )
    assert project.run("submit").returncode == 2


@pytest.mark.once
def test_port_in_use_is_one_line_and_exit_2(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = project.run("--port", port)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == (
        f"Port {port} on 127.0.0.1 is in use. Stop what uses it, or choose another with --port.\n"
    )
    assert not (project.folder / "db.sqlite3").exists()


def test_second_run_on_the_same_database_is_refused(project: Project) -> None:
    first = project.start()
    first.wait_until_ready()
    refused = project.run("--port", "0")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert f"process {first.process.pid}" in refused.stderr
    assert is_answering(first.port)


@pytest.mark.once
def test_nonsense_in_the_environment_is_refused_by_name(project: Project) -> None:
    refused = project.run("--port", "0", TASKRUNNER_WORKERS="many")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("Configuration error: TASKRUNNER_WORKERS")


def test_database_that_is_away_is_one_line(project: Project) -> None:
    refused = project.run("--port", "0", DATABASE_URL="postgres://nobody:hidden@127.0.0.1:9/none")
    assert refused.returncode == 2
    assert "The database cannot be used" in refused.stderr
    assert "hidden" not in refused.stderr


@pytest.mark.once
@pytest.mark.parametrize(
    "arguments", [("--port", "70000"), ("--no-web", "--no-worker"), ("--demo", "--no-worker")]
)
def test_options_that_make_no_sense_are_usage_errors(
    project: Project, arguments: tuple[str, ...]
) -> None:
    refused = project.run(*arguments)
    assert refused.returncode == 2
    assert refused.stderr.startswith("usage: ./run")


@pytest.mark.once
def test_ipv6_address_is_served_and_shown_in_brackets(project: Project) -> None:
    if not socket.has_ipv6 or not _can_bind_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    run = project.start("--host", "::1", "--no-worker")
    assert run.wait_until_ready() == f"Ready: http://[::1]:{run.port}/"


@pytest.mark.once
def test_python_that_is_too_old_is_one_line_and_exit_2(project: Project, tmp_path: Path) -> None:
    path = _path_with_python(tmp_path, '[ "$1" = --version ] && echo "Python 3.8.18"')
    refused = _run_without_venv(project, path)
    assert refused.returncode == 2
    assert refused.stderr == (
        "Python 3.11 or later is needed, found: Python 3.8.18. Install one, then start again.\n"
    )


@pytest.mark.once
def test_python_without_venv_is_one_line_and_exit_2(project: Project, tmp_path: Path) -> None:
    real = f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    refused = _run_without_venv(project, _path_with_python(tmp_path, real))
    assert refused.returncode == 2
    assert refused.stderr.startswith("python3 lacks its venv module")
    assert refused.stderr.count("\n") == 1


def _path_with_python(tmp_path: Path, script: str) -> Path:
    """A folder for PATH: the shell's few tools, and a python3 that does as `script` says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("dirname", "cmp", "sh"):
        (folder / tool).symlink_to(shutil.which(tool) or pytest.skip(f"no {tool}"))
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return folder


def _run_without_venv(project: Project, path: Path) -> subprocess.CompletedProcess[str]:
    (project.folder / ".venv").unlink()
    refused = project.run(PATH=str(path))
    assert not (project.folder / ".venv").exists()
    return refused


def _can_bind_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
