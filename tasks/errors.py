"""Everything that can go wrong, as one tree; classes carry what decides, nobody matches on text.

TaskrunnerError
├── DomainError                what a caller asked for cannot be done (every door renders it)
│   ├── InvalidInput           VALIDATION_ERROR     400, with `fields`
│   │   └── ItemsRefused       the same, of many submits at once
│   ├── NotFound               NOT_FOUND            404
│   │   ├── TaskNotFound       TASK_NOT_FOUND
│   │   ├── BatchNotFound      BATCH_NOT_FOUND
│   │   ├── TemplateNotFound   TEMPLATE_NOT_FOUND
│   │   └── WebhookNotFound, DeliveryNotFound, KeyNotFound
│   ├── TaskNotCompleted       TASK_NOT_COMPLETED   409
│   ├── TaskFailed             TASK_FAILED          409
│   ├── InvalidState           INVALID_STATE        409
│   ├── NotPermitted           NOT_PERMITTED        403
│   ├── IdempotencyConflict    IDEMPOTENCY_CONFLICT 422
│   ├── RateLimited            RATE_LIMITED         429
│   └── DatabaseUnavailable    DATABASE_UNAVAILABLE 503
└── ProviderError              what one call to a provider came to
    ├── ConnectionFailed       nobody answered, or the line broke
    ├── CallTimedOut           the total deadline passed
    ├── CallHungUp             we ended it: the task was cancelled meanwhile
    ├── ServerFailed           408, 409, 5xx, 529
    ├── RateLimitedByProvider  429: the lane waits, the attempt is not spent
    ├── QuotaExhausted         402, 429 with a spend or quota code
    ├── AuthenticationRefused  401, 403
    ├── RequestRefused         400, 404, 413, 422, redirects
    ├── BadResponse            a 200 that is no answer
    └── ContentFiltered        a refusal: final, never shopped around
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol


class TaskrunnerError(Exception):
    """Root of the project's own errors. `code` is stable, `message` is for people."""

    code: ClassVar[str] = "ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DomainError(TaskrunnerError):
    """A request that cannot be done as asked. `http_status` is what REST answers."""

    http_status: ClassVar[int] = 400


class InvalidInput(DomainError):
    """Input breaks a rule. `fields` maps each field to the rules it broke."""

    code = "VALIDATION_ERROR"

    def __init__(self, fields: Mapping[str, Sequence[str]], message: str = "") -> None:
        self.fields = {name: list(rules) for name, rules in fields.items()}
        summary = "; ".join(f"{name}: {' '.join(rules)}" for name, rules in self.fields.items())
        super().__init__(message or summary)


class ItemsRefused(InvalidInput):
    """Some of many submits are not usable, so none became a task.

    problems: by the place of an item, its broken rules by field; not all, if there are many.
    """

    def __init__(
        self, problems: Mapping[str, Mapping[str, Sequence[str]]], *, bad: int, total: int
    ) -> None:
        self.problems = problems
        self.bad = bad
        fields = {
            f"{place}.{name}" if name else place: rules
            for place, broken in problems.items()
            for name, rules in broken.items()
        }
        first = [f"{place}: {' '.join(rules)}" for place, rules in list(fields.items())[:5]]
        more = "; …" if len(fields) > len(first) else ""
        message = f"{bad} of {total} items cannot be used, so none was. {'; '.join(first)}{more}"
        super().__init__(fields, message)


class NotFound(DomainError):
    """No such thing, or not yours: the two look alike on purpose."""

    code = "NOT_FOUND"
    http_status = 404
    kind: ClassVar[str] = "object"

    def __init__(self, key: object) -> None:
        super().__init__(f"There is no {self.kind} {str(key)[:40]}.")


class TaskNotFound(NotFound):
    code = "TASK_NOT_FOUND"
    kind = "task"


class WebhookNotFound(NotFound):
    kind = "webhook"


class DeliveryNotFound(NotFound):
    kind = "delivery"


class KeyNotFound(NotFound):
    kind = "API key"


class BatchNotFound(NotFound):
    code = "BATCH_NOT_FOUND"
    kind = "batch"


class TemplateNotFound(NotFound):
    code = "TEMPLATE_NOT_FOUND"
    kind = "template"


class TaskNotCompleted(DomainError):
    """A result was asked of a task that has none yet."""

    code = "TASK_NOT_COMPLETED"
    http_status = 409


class TaskFailed(DomainError):
    """A result was asked of a task that FAILED."""

    code = "TASK_FAILED"
    http_status = 409


class InvalidState(DomainError):
    """The task's state does not allow this move."""

    code = "INVALID_STATE"
    http_status = 409


class NotPermitted(DomainError):
    """The caller is known, but may not do this."""

    code = "NOT_PERMITTED"
    http_status = 403


class IdempotencyConflict(DomainError):
    """The idempotency key was used before, with another body."""

    code = "IDEMPOTENCY_CONFLICT"
    http_status = 422


class RateLimited(DomainError):
    """The caller sends too much; come back after `retry_after_s` seconds."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DatabaseUnavailable(DomainError):
    """The database does not answer; nothing was changed."""

    code = "DATABASE_UNAVAILABLE"
    http_status = 503


class CountedTokens(Protocol):
    """What a call used; None where the provider did not say."""

    @property
    def prompt_tokens(self) -> int | None: ...
    @property
    def completion_tokens(self) -> int | None: ...
    @property
    def cached_tokens(self) -> int | None: ...


class ProviderError(TaskrunnerError):
    """One provider call that brought no answer.

    is_retryable: the same provider may be asked again. can_failover: another one may be asked.
    trips_breaker: the fault is the provider's, not the request's. opens_breaker: no further call
    can succeed until somebody acts. retry_after_s: how long the provider asked us to wait.
    spends_attempt: the call counts against the task's `max_attempts`. key_id: the fingerprint of
    the key that was used. may_be_billed: the provider may have done its work, and charge for it,
    all the same. usage: what it said that the call used, for which it charges.
    """

    code = "provider_error"
    usage: CountedTokens | None = None
    is_retryable: bool = False
    can_failover: ClassVar[bool] = True
    trips_breaker: ClassVar[bool] = True
    opens_breaker: ClassVar[bool] = False
    spends_attempt: ClassVar[bool] = True
    may_be_billed: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        request_id: str = "",
        retry_after_s: float | None = None,
        is_retryable: bool | None = None,
        key_id: str = "",
    ) -> None:
        super().__init__(message)
        self.key_id = key_id
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        if is_retryable is not None:  # the vendor's own word: `x-should-retry`
            self.is_retryable = is_retryable


class ConnectionFailed(ProviderError):
    code = "connection_failed"
    is_retryable = True


class CallTimedOut(ProviderError):
    code = "timeout"
    is_retryable = True
    may_be_billed = True


class CallHungUp(ProviderError):
    code = "cancelled"
    can_failover = False
    trips_breaker = False
    may_be_billed = True


class ServerFailed(ProviderError):
    code = "server_error"
    is_retryable = True


class RateLimitedByProvider(ProviderError):
    code = "rate_limited"
    is_retryable = True
    trips_breaker = False
    spends_attempt = False


class QuotaExhausted(ProviderError):
    code = "quota_exhausted"
    opens_breaker = True


class AuthenticationRefused(ProviderError):
    code = "authentication_refused"
    opens_breaker = True


class RequestRefused(ProviderError):
    code = "request_refused"
    can_failover = False
    trips_breaker = False


class BadResponse(ProviderError):
    code = "bad_response"
    is_retryable = True
    may_be_billed = True


class ContentFiltered(ProviderError):
    code = "content_filtered"
    can_failover = False
    trips_breaker = False
    may_be_billed = True


def provider_error_class(code: str) -> type[ProviderError]:
    """The class that an attempt's stored `error_code` came from; ProviderError if none has it."""
    return next((cls for cls in ProviderError.__subclasses__() if cls.code == code), ProviderError)
