"""The words that every room shares: states, providers, outcomes. No Django, no behaviour."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a task stands. The allowed moves are in `TRANSITIONS`."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})

SCHEDULED = "scheduled"
"""The `waiting_reason` of a task whose `run_after` is still ahead."""

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.CANCELLED, Status.FAILED}),
    Status.PROCESSING: frozenset(
        {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.PENDING}
    ),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
}


class EventType(StrEnum):
    """What happened to a task, or to a batch of them."""

    SUBMITTED = "task.submitted"
    STARTED = "task.started"
    RETRYING = "task.retrying"
    DEFERRED = "task.deferred"
    RELEASED = "task.released"
    COMPLETED = "task.completed"
    FAILED = "task.failed"
    CANCELLED = "task.cancelled"
    RETRIED = "task.retried"
    BATCH_FINISHED = "batch.finished"

    @property
    def status(self) -> Status | None:
        """Where the task stands since; None for a batch."""
        return _STATUS_SINCE[self]

    @property
    def is_terminal(self) -> bool:
        """The end of a task, unless somebody retries it."""
        return self.status in TERMINAL


_STATUS_SINCE = {
    EventType.SUBMITTED: Status.PENDING,
    EventType.RETRYING: Status.PENDING,
    EventType.DEFERRED: Status.PENDING,
    EventType.RELEASED: Status.PENDING,
    EventType.RETRIED: Status.PENDING,
    EventType.BATCH_FINISHED: None,
    EventType.STARTED: Status.PROCESSING,
    EventType.COMPLETED: Status.COMPLETED,
    EventType.FAILED: Status.FAILED,
    EventType.CANCELLED: Status.CANCELLED,
}


class Door(StrEnum):
    """Where somebody came in who changed something."""

    API = "api"
    ADMIN = "admin"
    PAGES = "pages"
    MCP = "mcp"
    SHELL = "shell"


class DeliveryState(StrEnum):
    """How far a webhook's message has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Provider(StrEnum):
    """Who can answer. `AUTO` is a choice left to the router, never a server."""

    DEEPSEEK = "deepseek"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    LOCAL = "local"
    MOCK = "mock"
    AUTO = "auto"


REAL_PROVIDERS = (Provider.DEEPSEEK, Provider.OPENAI, Provider.ANTHROPIC, Provider.LOCAL)


class ResultSource(StrEnum):
    """Who stands behind a result: the provider asked, another one, a cached answer, the mock."""

    PROVIDER = "provider"
    FALLBACK = "fallback"
    CACHE = "cache"
    MOCK = "mock"


class Outcome(StrEnum):
    """How an attempt ended. UNKNOWN: it was sent and may have been billed, no answer was kept."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEFERRED = "deferred"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class FinishReason(StrEnum):
    """Why a provider stopped writing, in one vocabulary for all vendors."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class Scope(StrEnum):
    """What an API key may do; each includes the one before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class MockMode(StrEnum):
    """When the mock provider answers (`TASKRUNNER_MOCK`)."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"
    FALLBACK = "fallback"


class AutoRouting(StrEnum):
    """How `provider: "auto"` chooses (`TASKRUNNER_AUTO`)."""

    HEALTHY = "healthy"
    FASTEST = "fastest"
    CHEAPEST = "cheapest"


class Stage(StrEnum):
    """Where the project runs (`ENVIRONMENT`)."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """`LOG_LEVEL`, as Python's logging names it in lower case."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogFormat(StrEnum):
    """`LOG_FORMAT`: lines for people, or one JSON object a line."""

    TEXT = "text"
    JSON = "json"


MIN_PRIORITY = 1
DEFAULT_PRIORITY = 5
MAX_PRIORITY = 10


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """The members as (value, label) pairs, as Django's `choices` wants them."""
    return [(word.value, word.value) for word in words]
