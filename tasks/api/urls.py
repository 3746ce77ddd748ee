"""The paths under /api/. A new door is a new line above the last one."""

from __future__ import annotations

from django.urls import path, re_path

from tasks.api.views.batches import (
    BatchCancelView,
    BatchListView,
    BatchResultsView,
    BatchRetryFailedView,
    BatchView,
)
from tasks.api.views.docs import DocsView, SchemaView
from tasks.api.views.doors import NoDoorView, RootView
from tasks.api.views.events import EventsView, TaskEventsView
from tasks.api.views.keys import KeyListView, KeyView
from tasks.api.views.providers import ProvidersView
from tasks.api.views.stats import StatsView
from tasks.api.views.steering import (
    ProviderBreakerView,
    ProviderPauseView,
    ProviderResumeView,
)
from tasks.api.views.task_moves import (
    TaskActionsView,
    TaskCancelView,
    TaskCloneView,
    TaskRetryView,
)
from tasks.api.views.tasks import TaskListView, TaskView
from tasks.api.views.templates import TemplateListView, TemplateRenderView, TemplateView
from tasks.api.views.wait import TaskWaitView
from tasks.api.views.webhooks import (
    DeliveryListView,
    RedeliverView,
    WebhookListView,
    WebhookView,
)

app_name = "api"
urlpatterns = [
    path("", RootView.as_view(), name="root"),
    path("tasks/", TaskListView.as_view(), name="task-list"),
    path("tasks/actions/", TaskActionsView.as_view(), name="task-actions"),
    path("tasks/<str:task_id>/", TaskView.as_view(), name="task-detail"),
    path("tasks/<str:task_id>/cancel/", TaskCancelView.as_view(), name="task-cancel"),
    path("tasks/<str:task_id>/retry/", TaskRetryView.as_view(), name="task-retry"),
    path("tasks/<str:task_id>/clone/", TaskCloneView.as_view(), name="task-clone"),
    path("tasks/<str:task_id>/wait/", TaskWaitView.as_view(), name="task-wait"),
    path("batches/", BatchListView.as_view(), name="batch-list"),
    path("batches/<str:batch_id>/", BatchView.as_view(), name="batch-detail"),
    path("batches/<str:batch_id>/cancel/", BatchCancelView.as_view(), name="batch-cancel"),
    path(
        "batches/<str:batch_id>/retry_failed/", BatchRetryFailedView.as_view(), name="batch-retry"
    ),
    path("batches/<str:batch_id>/results.jsonl", BatchResultsView.as_view(), name="batch-results"),
    path("tasks/<str:task_id>/events/", TaskEventsView.as_view(), name="task-events"),
    path("events/", EventsView.as_view(), name="events"),
    path("templates/", TemplateListView.as_view(), name="template-list"),
    path("templates/<str:template_id>/", TemplateView.as_view(), name="template-detail"),
    path(
        "templates/<str:template_id>/render/", TemplateRenderView.as_view(), name="template-render"
    ),
    path("webhooks/", WebhookListView.as_view(), name="webhook-list"),
    path("webhooks/<str:webhook_id>/", WebhookView.as_view(), name="webhook-detail"),
    path("webhooks/<str:webhook_id>/deliveries/", DeliveryListView.as_view(), name="delivery-list"),
    path(
        "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/redeliver/",
        RedeliverView.as_view(),
        name="delivery-redeliver",
    ),
    path("keys/", KeyListView.as_view(), name="key-list"),
    path("keys/<str:key_id>/", KeyView.as_view(), name="key-detail"),
    path("providers/", ProvidersView.as_view(), name="providers"),
    path("providers/<str:name>/breaker/", ProviderBreakerView.as_view(), name="provider-breaker"),
    path("providers/<str:name>/pause/", ProviderPauseView.as_view(), name="provider-pause"),
    path("providers/<str:name>/resume/", ProviderResumeView.as_view(), name="provider-resume"),
    path("stats/", StatsView.as_view(), name="stats"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    re_path(r"^.*$", NoDoorView.as_view()),
]
