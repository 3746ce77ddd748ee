"""The app's registration: checks on start, and the chores that keep house."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "AI tasks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tasks import checks, chores  # noqa: F401, PLC0415 - importing registers them
