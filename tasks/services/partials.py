"""The text of answers that are still being written, for those who may see the task."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from tasks.models import Attempt, Task
from tasks.prepared import Prepared
from tasks.querysets import database_now
from tasks.services.feeds import Told
from tasks.vocabulary import Outcome, Status

PARTIAL = "task.partial"
_first_token_ms: Prepared[int | None] = Prepared(
    lambda task_id: (
        Attempt.objects.filter(task=task_id, outcome=Outcome.SUCCEEDED.value)
        .order_by("-number")
        .values_list("first_token_ms", flat=True)
    )
)


def partial_text(task: Task) -> str | None:
    """What the running call of this task has brought so far; None: nothing, it is not streamed,
    or no call is running."""
    if task.state is not Status.PROCESSING:
        return None
    return partial_texts([task.pk]).get(task.pk)


def partial_texts(task_ids: Collection[int]) -> Mapping[int, str]:
    """The same of many tasks, by id, without those that have none."""
    rows = Attempt.objects.under_way().filter(task__in=task_ids, partial__isnull=False)
    return dict(rows.order_by().values_list("task_id", "partial"))


def first_token_seconds(task: Task) -> float | None:
    """From the request to the first text of this task's answer; None: it was not streamed, or no
    call has brought one."""
    first_ms = _first_token_ms.first(task.pk)
    return None if first_ms is None else first_ms / 1000


class PartialNews:
    """What the streams of single tasks are to be told of their texts, each state of a text once."""

    def __init__(self) -> None:
        self._told: dict[int, str] = {}

    def forget(self, task_id: int) -> None:
        """Tell this one again: somebody new listens."""
        self._told.pop(task_id, None)

    def read(self, task_ids: Collection[int]) -> dict[int, Told]:
        """By task, for those of these whose text has changed."""
        texts = partial_texts(task_ids)
        news = {pk: text for pk, text in texts.items() if self._told.get(pk) != text}
        self._told = dict(texts)
        return {pk: _told(pk, text) for pk, text in news.items()}


def _told(task_id: int, text: str) -> Told:
    """Without a place in the order of events: it is written over, and nothing is missed."""
    facts = {
        "id": task_id,
        "status": Status.PROCESSING,
        "partial": text,
        "type": PARTIAL,
        "at": database_now().isoformat().replace("+00:00", "Z"),
    }
    return Told(place=None, kind=PARTIAL, is_last=False, data=json.dumps(facts, ensure_ascii=False))
