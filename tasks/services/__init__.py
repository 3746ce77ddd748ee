"""The use cases, the only writers. Every door parses, calls one of these, and renders."""

from tasks.services.access import get_standing, get_task, visible_tasks
from tasks.services.estimate import Estimate, estimate
from tasks.services.lifecycle import cancel, change, clone, delete, retry
from tasks.services.submit import Submitted, submit

__all__ = [
    "Estimate",
    "Submitted",
    "cancel",
    "change",
    "clone",
    "delete",
    "estimate",
    "get_standing",
    "get_task",
    "retry",
    "submit",
    "visible_tasks",
]
