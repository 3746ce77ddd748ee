"""Workers in the admin: who works, where, how busy. Only looked at."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.admin.lean import LookedAtAdmin
from tasks.admin.wording import age
from tasks.conf import get_conf
from tasks.models import Worker
from tasks.querysets import database_now


class WorkerAdmin(LookedAtAdmin):
    list_title = "Workers"
    ordering = ("name",)
    list_display = ("name", "state_mark", "load", "host", "pid", "heard_of", "running_for")
    list_display_links = None
    actions = None

    @admin.display(description="State")
    def state_mark(self, worker: Worker) -> SafeString:
        silent_s = database_now() - worker.beat_at
        is_alive = silent_s <= timedelta(seconds=get_conf().lease_s)
        word = "alive" if is_alive else "silent"
        return format_html('<span class="pill pill-{}">{}</span>', word, word)

    @admin.display(description="Calls / slots")
    def load(self, worker: Worker) -> str:
        return f"{worker.in_flight} / {worker.slots}"

    @admin.display(description="Last heard of")
    def heard_of(self, worker: Worker) -> SafeString | str:
        return age(worker.beat_at)

    @admin.display(description="Started")
    def running_for(self, worker: Worker) -> SafeString | str:
        return age(worker.started_at)
