"""One task from the shell."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.checks import TAG
from tasks.management.shell import find_user, is_anyone_working, plain_errors
from tasks.models import Task
from tasks.services import submit
from tasks.services.following import wait_until_terminal
from tasks.vocabulary import Provider, Status

_LONGEST_WAIT_S = 366 * 86_400.0
_PATIENCE_S = 2.0  # a wait that is over sooner needs no word


class Command(BaseCommand):
    help = "Submit one prompt. Prints the task's id, or with --wait its result."
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prompt", nargs="?", help="the prompt; - reads it from stdin")
        parser.add_argument("--template", metavar="NAME[@VERSION]", help="instead of a prompt")
        parser.add_argument(
            "--var", action="append", default=[], metavar="NAME=TEXT", help="for the template"
        )
        parser.add_argument("--provider", choices=[p.value for p in Provider])
        parser.add_argument("--model", help="a model's name from the catalogue")
        parser.add_argument("--priority", type=int, help="1 to 10; 10 is called first")
        parser.add_argument("--user", help="whose task it is (TASKRUNNER_MCP_USER, else admin)")
        parser.add_argument(
            "--wait",
            action="store_true",
            help="wait for the end; the result alone goes to stdout, exit 0 only if COMPLETED",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_errors():
            task = submit(find_user(options["user"]), _request(options)).task
            if not options["wait"]:
                self.stdout.write(str(task.pk))
                return
            self._wait_for(task)

    def _wait_for(self, task: Task) -> None:
        if not is_anyone_working():
            sys.stderr.write(f"Task {task.pk} waits, but no worker is running: start ./run\n")
        try:
            asyncio.run(wait_until_terminal(task.pk, _LONGEST_WAIT_S, ReasonTeller(task.pk)))
        except KeyboardInterrupt:
            raise CommandError(f"Task {task.pk} goes on without you.", returncode=130) from None
        ended = Task.objects.filter(pk=task.pk).first()
        if ended is None:
            raise CommandError(f"Task {task.pk} was deleted.")
        if ended.state is not Status.COMPLETED:
            reason = f" ({ended.error_code}): {ended.error_message}" if ended.error_code else ""
            raise CommandError(f"Task {ended.pk} is {ended.status}{reason}")
        self.stdout.write(ended.result or "")


class ReasonTeller:
    """Writes to stderr why the task waits, each time that the reason is another one."""

    def __init__(self, task_id: int) -> None:
        self._task_id = task_id
        self._told = ""

    async def __call__(self, status: str, waited_s: float) -> None:
        if status != Status.PENDING or waited_s < _PATIENCE_S:
            return
        tasks = Task.objects.filter(pk=self._task_id)
        reason = await tasks.values_list("waiting_reason", flat=True).afirst()
        if reason and reason != self._told:
            self._told = reason
            sys.stderr.write(f"Task {self._task_id} waits: {reason}\n")


def _request(options: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if options["prompt"] is options["template"] is None:
        raise CommandError("Give a prompt, - to read it from stdin, or --template.", returncode=2)
    if options["prompt"] is not None:
        request["prompt"] = sys.stdin.read() if options["prompt"] == "-" else options["prompt"]
    if options["var"]:
        request["variables"] = dict(_as_pair(text) for text in options["var"])
    for name in ("template", "provider", "model", "priority"):
        if options[name] is not None:
            request[name] = options[name]
    return request


def _as_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--var {text}: must be NAME=TEXT.", returncode=2)
    return name, value
