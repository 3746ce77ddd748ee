"""`./run --demo`: a dozen sample tasks for the embedded provider, their results as they come."""

from __future__ import annotations

import time

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection

from taskrunner.supervisor.screen import tell
from tasks.errors import DomainError
from tasks.models import Task
from tasks.services import submit
from tasks.vocabulary import Provider, Status

# priority, tag, prompt: in an order that shows that priority, not age, decides.
SAMPLES = (
    (1, "digest", "Sum up this week's incident reports in three sentences."),
    (5, "translate", "Translate 'The queue is empty' into French, German and Japanese."),
    (3, "poem", "Write a haiku about a worker that never sleeps."),
    (9, "support", "Draft a kind answer to a customer whose parcel is two days late."),
    (5, "explain", "Explain exponential backoff to a ten-year-old."),
    (7, "extract", "List the names and dates in: 'Ada met Grace on 4 May 1952.'"),
    (10, "urgent", "Is this text an outage report? 'Checkout answers 503 since 09:40.'"),
    (2, "tags", "Suggest five tags for an article on strict priority queues."),
    (6, "review", "Find the bug: for i in range(len(xs)): xs.pop(i)"),
    (4, "title", "Give a title to a talk about answers that say where they came from."),
    (8, "classify", "Positive, negative or neutral: 'It works, at last.'"),
    (5, "regex", "Write a regular expression that matches an ISO 8601 date."),
)
_LOOK_S = 0.1
_PATIENCE_S = 120.0


def show_demo() -> None:
    """Submit, follow, print; whatever goes wrong is a line, the services run on."""
    try:
        waiting = _submit_all()
        tell(f"\nDemo: {len(waiting)} tasks submitted.")
        _follow(waiting)
    except (DomainError, DatabaseError) as error:
        tell(f"Demo: {error}")
    finally:
        connection.close()


def _submit_all() -> set[int]:
    owner = get_user_model().objects.get(username="admin")
    return {
        submit(
            owner,
            {"prompt": prompt, "priority": priority, "tags": ["demo", tag],
             "provider": Provider.MOCK.value},
        ).task.pk
        for priority, tag, prompt in SAMPLES
    }  # fmt: skip


def _follow(waiting: set[int]) -> None:
    total, completed = len(waiting), 0
    deadline = time.monotonic() + _PATIENCE_S
    while waiting and time.monotonic() < deadline:
        for task in Task.objects.filter(pk__in=waiting).order_by("finished_at"):
            if task.is_terminal:
                waiting.discard(task.pk)
                completed += task.state is Status.COMPLETED
                tell(_describe(task, total - len(waiting), total))
        time.sleep(_LOOK_S)
    tell(f"Demo: {completed} of {total} tasks completed. The services go on; Ctrl-C ends them.")


def _describe(task: Task, number: int, total: int) -> str:
    answer = task.result or task.error_message
    source = task.result_source or task.error_code
    return (
        f"[{number:>2}/{total}] task {task.pk}, priority {task.priority}: {task.status} "
        f"({source}, {task.run_seconds or 0:.2f} s)\n"
        f"        {task.prompt}\n        → {' '.join(answer.split())[:160]}"
    )
