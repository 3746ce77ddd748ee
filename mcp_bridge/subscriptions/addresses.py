"""Which tasks somebody means, and which of these are theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import AbstractBaseUser
from mcp.shared.uri_template import UriTemplate

from mcp_bridge.resources import TASK_URI
from tasks.services import visible_tasks

_MOST_ID = 2**63 - 1
_TEMPLATE = UriTemplate.parse(TASK_URI)


def number_of(task_id: str) -> int | None:
    """None for what can be no task's id."""
    is_number = task_id.isascii() and task_id.isdigit() and len(task_id) < 20
    number = int(task_id) if is_number else 0
    return number if 0 < number <= _MOST_ID else None


def tasks_at(uris: Iterable[str]) -> dict[str, int]:
    """The addresses that may be a task's, each with its task; the others are left out."""
    found = {}
    for uri in uris:
        variables = _TEMPLATE.match(uri)
        number = number_of(str(variables["task_id"])) if variables else None
        if number is not None:
            found[uri] = number
    return found


def own_of(user: AbstractBaseUser, numbers: Mapping[str, int]) -> dict[str, int]:
    """Those whose task exists and is the user's."""
    own = set(visible_tasks(user).filter(pk__in=numbers.values()).values_list("pk", flat=True))
    return {name: number for name, number in numbers.items() if number in own}
