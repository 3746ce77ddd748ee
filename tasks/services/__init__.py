"""The use cases, the only writers. Every door parses, calls one of these, and renders."""

from tasks.services.access import get_task, visible_tasks
from tasks.services.lifecycle import cancel, change, clone, delete, retry
from tasks.services.submit import Submitted, submit

__all__ = [
    "Submitted",
    "cancel",
    "change",
    "clone",
    "delete",
    "get_task",
    "retry",
    "submit",
    "visible_tasks",
]
