"""What a provider client takes, gives and promises. No HTTP, no vendor and no Django here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from tasks.providers.hangup import HangUp
from tasks.providers.partial import Partial
from tasks.vocabulary import FinishReason, Provider


@dataclass(frozen=True, kw_only=True)
class CompletionRequest:
    """One question to one model. `temperature` and `max_tokens` are sent only if set.

    `keys_aside`: fingerprints of keys that the provider refused; others are used if there are any.
    `partial`: where to put the text as it comes; None: it is not asked for in pieces.
    """

    prompt: str
    model: str
    system: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    hang_up: HangUp = field(default_factory=HangUp, compare=False, repr=False)
    keys_aside: frozenset[str] = frozenset()
    partial: Partial | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens as billed; None where the provider did not say.

    `prompt_tokens` is the whole prompt, `cached_tokens` the part of it that was read from the
    provider's cache, whatever way the vendor counts.
    """

    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A provider's answer. `model` is what ran by the provider's own word; `usage` may be None."""

    text: str
    model: str
    finish_reason: FinishReason
    usage: Usage | None
    request_id: str

    @property
    def is_truncated(self) -> bool:
        """The answer was cut by a token limit."""
        return self.finish_reason is FinishReason.LENGTH


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """Where a provider is and how it knows us. Keys never show in `repr`.

    `api_keys` are used in turn; `base_url` empty means the vendor's own; `pool_size` is how many
    calls run at once at most, each on its own connection.
    """

    name: Provider
    api_keys: tuple[str, ...] = field(repr=False)
    base_url: str
    pool_size: int = 64


class ProviderClient(ABC):
    """Speaks to one provider. One instance serves hundreds of threads, in the process it runs in.

    A call is one attempt: no retry, no sleep, no database.
    """

    @property
    @abstractmethod
    def name(self) -> Provider:
        """Whom this client speaks to."""

    @abstractmethod
    def complete(self, request: CompletionRequest, *, timeout_s: float) -> Completion:
        """The provider's answer, at most about `timeout_s` seconds from now.

        Raises: a subclass of ProviderError for whatever the provider or the line did wrong.
        """
