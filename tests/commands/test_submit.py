"""`submit` from the shell: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import io

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from tasks.management.commands.submit import ReasonTeller
from tasks.models import Task
from tasks.services.templates import create_template
from tests.deployment import Deployment, wait_until

pytestmark = pytest.mark.django_db


def _submit(*arguments: str) -> str:
    out = io.StringIO()
    call_command("submit", *arguments, stdout=out)
    return out.getvalue()


def test_id_of_the_new_task_is_printed_alone(owner) -> None:
    printed = _submit("hello", "--user", "owner", "--priority", "9")
    task = Task.objects.get()
    assert printed == f"{task.pk}\n"
    assert (task.prompt, task.priority, task.owner) == ("hello", 9, owner)


def test_prompt_dash_is_read_from_stdin(owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("line one\nline two\n"))
    _submit("-", "--user", "owner")
    assert Task.objects.get().prompt == "line one\nline two\n"


def test_default_owner_is_the_user_that_mcp_acts_as(owner, settings) -> None:
    settings.TASKRUNNER_MCP_USER = "owner"
    _submit("hello")
    assert Task.objects.get().owner == owner


def test_user_that_is_missing_is_told_with_the_command_that_makes_one() -> None:
    with pytest.raises(CommandError, match="createsuperuser --username nobody"):
        _submit("hello", "--user", "nobody")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["", "--priority", "5"], "prompt: "),
        (["x", "--priority", "11"], "priority: "),
        (["x", "--provider", "openai", "--model", "gpt-0"], "model: "),
    ],
)
def test_input_that_breaks_a_rule_is_told_by_field(owner, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=f"^{told}"):
        _submit(*arguments, "--user", "owner")
    assert not Task.objects.exists()


@pytest.mark.processes
def test_wait_prints_the_result_alone_and_exits_0(deployment: Deployment) -> None:
    deployment.start("qcluster")
    answered = deployment.manage("submit", "-", "--wait", stdin="Are you there?")
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("This is a mock answer")
    assert "Are you there?" in answered.stdout


@pytest.mark.processes
def test_wait_for_a_cancelled_task_exits_1_and_says_so_on_stderr(deployment: Deployment) -> None:
    waiting = deployment.start("submit", "never called", "--wait")
    wait_until(lambda: deployment.query("SELECT 1 FROM tasks_task"), what="the task")
    deployment.query("UPDATE tasks_task SET status = 'CANCELLED'")
    assert waiting.wait(20) == 1
    assert "Task 1 is CANCELLED" in deployment.log(waiting)


@pytest.mark.processes
def test_wait_tells_on_stderr_why_it_waits(deployment: Deployment) -> None:
    waiting = deployment.start("submit", "not yet", "--wait")
    wait_until(lambda: deployment.query("SELECT 1 FROM tasks_task"), what="the task")
    deployment.query("UPDATE tasks_task SET waiting_reason = 'openai: paused by an operator'")
    told = "Task 1 waits: openai: paused by an operator\n"
    wait_until(lambda: told in deployment.log(waiting), what=told)
    deployment.query("UPDATE tasks_task SET status = 'CANCELLED'")
    assert waiting.wait(20) == 1


def test_a_reason_is_told_once_and_not_before_it_lasts(
    owner, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task.objects.get(pk=int(_submit("hello", "--user", "owner")))
    look = async_to_sync(ReasonTeller(task.pk))
    for reason in ("", "one", "one", "two", "two"):
        Task.objects.update(waiting_reason=reason)
        look("PENDING", 3.0)
        look("PROCESSING", 3.0)
    assert capsys.readouterr().err == f"Task {task.pk} waits: one\nTask {task.pk} waits: two\n"
    async_to_sync(ReasonTeller(task.pk))("PENDING", 1.0)
    assert capsys.readouterr().err == ""


@pytest.mark.processes
def test_database_that_is_away_is_one_line_and_exit_1(deployment: Deployment) -> None:
    away = "postgres://user:hidden@127.0.0.1:9/none"
    failed = deployment.manage("submit", "hello", DATABASE_URL=away)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("CommandError: The database does not answer")
    assert "hidden" not in failed.stderr


def test_template_stands_for_the_prompt(owner) -> None:
    create_template(owner, {"name": "greet", "prompt": "Hello {{ name }}"})
    call_command("submit", "--template", "greet", "--var", "name=a=b", "--user", "owner")
    assert Task.objects.get().prompt == "Hello a=b"
    with pytest.raises(CommandError, match=r"variables\.name: "):
        call_command("submit", "--template", "greet", "--user", "owner")
    with pytest.raises(CommandError, match="Give a prompt"):
        call_command("submit", "--user", "owner")
    with pytest.raises(CommandError, match="NAME=TEXT"):
        call_command("submit", "--template", "greet", "--var", "name", "--user", "owner")
