"""Where the doors are."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from tasks import pages, views

handler400 = "tasks.api.errors.bad_request"
handler403 = "tasks.api.errors.permission_denied"
handler404 = "tasks.api.errors.page_not_found"
handler500 = "tasks.api.errors.server_error"

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("stats/", pages.stats_page, name="stats"),
    path("stats/figures/", pages.stats_figures, name="stats-figures"),
    path("tasks/", pages.task_list, name="own-tasks"),
    path("tasks/new/", pages.task_new, name="task-new"),
    path("tasks/<int:task_id>/", pages.task_page, name="task-page"),
    path("tasks/<int:task_id>/part/", pages.task_part, name="task-part"),
    path("tasks/<int:task_id>/cancel/", pages.task_cancel, name="task-cancel"),
    path("tasks/<int:task_id>/retry/", pages.task_retry, name="task-retry"),
    path("logout/", pages.log_out, name="logout"),
    path("admin/login/", views.admin_login),  # before the admin's own, which it calls
    path("admin/", admin.site.urls),
    path("api/", include("tasks.api.urls")),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", views.metrics),
    path("favicon.ico", RedirectView.as_view(url=static("taskrunner/icon.svg"))),
]
