"""The app's registration: checks on start, the chores that keep house, prices of one's own."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "AI tasks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tasks import checks, chores  # noqa: F401, PLC0415 - importing registers them
        from tasks.conf import get_conf  # noqa: PLC0415 - settings are ready only now
        from tasks.providers.price_file import own_price_file  # noqa: PLC0415

        own_price_file.path = get_conf().price_file
