"""The rows. One concept a file; rules of one row live on its model."""

from tasks.models.alert import Alert
from tasks.models.api_key import ApiKey
from tasks.models.attempt import Attempt
from tasks.models.audit_entry import AuditEntry
from tasks.models.batch import Batch
from tasks.models.chore_turn import ChoreTurn
from tasks.models.daily_spend import DailySpend
from tasks.models.event import Event, EventPlace
from tasks.models.idempotency import IdempotencyRecord
from tasks.models.provider_state import ProviderState
from tasks.models.queue_sample import QueueSample
from tasks.models.rollup import (
    CallDay,
    CallHour,
    EndedDay,
    EndedHour,
    LatencyDay,
    LatencyHour,
    RollupProgress,
    TallyDay,
    TallyHour,
)
from tasks.models.saved_view import SavedView
from tasks.models.task import Task
from tasks.models.task_block import TaskBlock
from tasks.models.template import PromptTemplate, TemplateVersion
from tasks.models.webhook import OutboxReader, WebhookDelivery, WebhookEndpoint
from tasks.models.worker import Worker

__all__ = [
    "Alert",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Batch",
    "CallDay",
    "CallHour",
    "ChoreTurn",
    "DailySpend",
    "EndedDay",
    "EndedHour",
    "Event",
    "EventPlace",
    "IdempotencyRecord",
    "LatencyDay",
    "LatencyHour",
    "OutboxReader",
    "PromptTemplate",
    "ProviderState",
    "QueueSample",
    "RollupProgress",
    "SavedView",
    "TallyDay",
    "TallyHour",
    "Task",
    "TaskBlock",
    "TemplateVersion",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
]
