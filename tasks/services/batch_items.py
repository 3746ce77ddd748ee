"""The ways in which many submits come: a list, or lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.errors import InvalidInput
from tasks.services.jsonl import Lines, has_more_lines, read_lines
from tasks.services.staging import Item

MOST_IN_LIST = 1_000
MOST_LINES = 100_000


def items_of_list(tasks: object, most: int = MOST_IN_LIST) -> list[Item]:
    """Each with its place counted from 0: `tasks.0`. Raises: InvalidInput."""
    if not isinstance(tasks, list) or not 1 <= len(tasks) <= most:
        raise InvalidInput({"tasks": [f"Must be a list of 1 to {most:,} submits."]})
    return [Item(place=f"tasks.{index}", value=value) for index, value in enumerate(tasks)]


def items_of_lines(lines: Lines, rewind: Callable[[], object] | None = None) -> Iterator[Item]:
    """Each with its line's number, counted from 1: `lines.1`.

    rewind: goes back to the beginning. With it the lines are counted first, in a hundredth of the
    time that judging them takes.

    Raises:
        InvalidInput: there are too many.
    """
    if rewind is not None:
        if has_more_lines(lines, MOST_LINES):
            raise _too_many()
        rewind()
    for total, line in enumerate(read_lines(lines), start=1):
        if total > MOST_LINES:
            raise _too_many()
        yield Item(place=f"lines.{line.number}", value=line.value, problem=line.problem)


def _too_many() -> InvalidInput:
    return InvalidInput({"lines": [f"A batch may have {MOST_LINES:,} tasks."]})
