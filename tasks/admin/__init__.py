"""Django admin, the operators' door: parses, calls a service, renders. It writes no task itself."""

from django.contrib import admin

from tasks.admin.api_keys import ApiKeyAdmin
from tasks.admin.audit import AuditEntryAdmin
from tasks.admin.batches import BatchAdmin
from tasks.admin.deliveries import DeliveryAdmin
from tasks.admin.providers import ProviderAdmin
from tasks.admin.site import open_site
from tasks.admin.tasks import TaskAdmin
from tasks.admin.templates import TemplateAdmin
from tasks.admin.webhooks import WebhookAdmin
from tasks.admin.workers import WorkerAdmin
from tasks.models import (
    ApiKey,
    AuditEntry,
    Batch,
    PromptTemplate,
    ProviderState,
    Task,
    WebhookDelivery,
    WebhookEndpoint,
    Worker,
)

open_site(admin.site)
admin.site.register(Task, TaskAdmin)
admin.site.register(ApiKey, ApiKeyAdmin)
admin.site.register(Worker, WorkerAdmin)
admin.site.register(ProviderState, ProviderAdmin)
admin.site.register(Batch, BatchAdmin)
admin.site.register(PromptTemplate, TemplateAdmin)
admin.site.register(AuditEntry, AuditEntryAdmin)
admin.site.register(WebhookEndpoint, WebhookAdmin)
admin.site.register(WebhookDelivery, DeliveryAdmin)
