"""A key for a program; shown once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks.checks import TAG
from tasks.management.shell import find_user, plain_errors
from tasks.services.api_keys import create_api_key
from tasks.vocabulary import Scope


class Command(BaseCommand):
    help = "Create an API key for a user and print it, once, alone on stdout."
    requires_system_checks = [TAG]  # the others load every door; only web needs those

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whom the key acts as")
        parser.add_argument("--name", required=True, help="what it is for, to know it again")
        parser.add_argument("--scope", required=True, choices=[scope.value for scope in Scope])

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_errors():
            user = find_user(options["user"])
            _, key = create_api_key(user, name=options["name"], scope=Scope(options["scope"]))
        self.stdout.write(key)
