"""The pages for people outside the admin: the landing page, the stats page, their own tasks."""

from tasks.pages.task_list import task_list
from tasks.pages.task_new import task_new
from tasks.pages.task_views import task_cancel, task_page, task_part, task_retry
from tasks.pages.views import landing, log_out, stats_figures, stats_page

__all__ = [
    "landing",
    "log_out",
    "stats_figures",
    "stats_page",
    "task_cancel",
    "task_list",
    "task_new",
    "task_page",
    "task_part",
    "task_retry",
]
