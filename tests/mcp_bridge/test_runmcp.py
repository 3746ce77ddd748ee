from __future__ import annotations

import asyncio
import json
import shutil
import sys

import pytest
from mcp import Client, StdioServerParameters

from tests.deployment import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.once]  # options and what is printed


def test_validate_only_says_that_all_is_ready(deployment):
    done = deployment.manage("runmcp", "--validate-only")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "admin" in done.stdout


@pytest.mark.parametrize("options", [(), ("--validate-only",)])
@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--user", "nobody"], {}, "no active user 'nobody'"),
        ([], {"TASKRUNNER_MCP_USER": "nobody"}, "no active user 'nobody'"),
        ([], {"DATABASE_URL": "postgres://postgres@127.0.0.1:1/none"}, "database does not answer"),
        ([], {"DATABASE_URL": "sqlite:////no/such/folder/x.sqlite3"}, "database does not answer"),
        ([], {"DATABASE_URL": "sqlite:///{folder}/empty.sqlite3"}, "manage.py migrate"),
        ([], {"TASKRUNNER_MOCK": "never"}, "No provider is configured"),
        ([], {"TASKRUNNER_CONCURRENCY": "many"}, "TASKRUNNER_CONCURRENCY"),
    ],
)
def test_what_is_wrong_at_start_is_one_line_on_stderr(
    deployment, options, arguments, environment, words
):
    environment = {k: v.format(folder=deployment.folder) for k, v in environment.items()}
    done = deployment.manage("runmcp", *options, *arguments, **environment)
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize("option", [("--port", "70000"), ("--port", "x"), ("--transport", "sse")])
def test_options_that_make_no_sense_are_refused(deployment, option):
    done = deployment.manage("runmcp", *option)
    assert (done.returncode, done.stdout) == (2, "")


def test_the_printed_configuration_keeps_the_options(deployment):
    done = deployment.manage("runmcp", "--print-config", "--user", "ann", "--read-only")
    (server,) = json.loads(done.stdout)["mcpServers"].values()
    assert server["args"][1:] == ["runmcp", "--user", "ann", "--read-only"]


@pytest.fixture
def project(deployment):
    """A copy of the project, with a `.env` like the one that ./run writes."""
    folder = deployment.folder / "project with spaces"
    folder.mkdir()
    shutil.copyfile(ROOT / "manage.py", folder / "manage.py")
    for room in ("taskrunner", "tasks", "mcp_bridge", "templates"):
        shutil.copytree(ROOT / room, folder / room)
    (folder / ".env").write_text(
        f"SECRET_KEY={deployment.environment['SECRET_KEY']}\nDATABASE_URL={deployment.database_url}\n"
    )
    return folder


def test_the_printed_configuration_starts_the_server_from_anywhere(deployment, project, tmp_path):
    printed = deployment.spawn(
        [sys.executable, str(project / "manage.py"), "runmcp", "--print-config"],
        PYTHONPATH="", SECRET_KEY="x" * 50,
    )  # fmt: skip
    assert printed.wait(30) == 0
    config = json.loads(deployment.log(printed))
    ((name, server),) = config["mcpServers"].items()
    assert name == "async-ai-task-runner"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    emptied = dict.fromkeys(("PATH", "HOME", "PYTHONPATH"), "")
    parameters = StdioServerParameters(**server, env=emptied, cwd=elsewhere)

    async def create():
        async with Client(parameters, mode="legacy") as client:
            return await client.call_tool("create_task", {"prompt": "from the desktop"})

    assert asyncio.run(create()).is_error is False
    assert deployment.query("SELECT prompt FROM tasks_task") == [("from the desktop",)]
