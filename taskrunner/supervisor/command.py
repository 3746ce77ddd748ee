"""`./run COMMAND …`: the same as `manage.py COMMAND …`, on a project that has been set up."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from django.core.management import get_commands
from django.db import DatabaseError, connection

from manage import main as manage
from taskrunner.supervisor.preparation import load_project, prepare_database, say

# Whose commands need tables and an `admin`; `migrate`, `check` and their like must not get them.
_PREPARED_APPS = frozenset({"tasks", "mcp_bridge", "django.contrib.auth"})


def run_command(arguments: Sequence[str]) -> int:
    """Never returns a failure: a command that fails exits by itself."""
    load_project()
    is_asking = "--help" in arguments or "-h" in arguments
    if get_commands().get(arguments[0]) in _PREPARED_APPS and not is_asking:
        _prepare()
    sys.argv = ["./run", *arguments]
    manage()
    return 0


def _prepare() -> None:
    try:
        password = prepare_database()
    except DatabaseError:
        connection.close()  # the command meets it itself, and knows better what to say
        return
    if password is not None:
        say(f"Made the user admin with the password {password}  (shown only now)")
