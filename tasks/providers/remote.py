"""What all clients of a server share: ask, tell errors from answers, refuse what is neither."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tasks.errors import BadResponse, ContentFiltered, ProviderError
from tasks.providers.base import (
    Completion,
    CompletionRequest,
    ProviderClient,
    ProviderSettings,
    Usage,
)
from tasks.providers.event_stream import Assembly
from tasks.providers.http import HttpClient, Reply
from tasks.providers.replies import error_in, request_id
from tasks.providers.wording import storable
from tasks.vocabulary import FinishReason, Provider

MOST_TOKENS = 2**31 - 1  # more than any model takes, and the database's integer
_MOST_MODEL_CHARS = 100
_WRONG_SHAPE = (KeyError, IndexError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A vendor's answer in our words, not yet judged. `model` may be empty."""

    text: str
    finish_reason: FinishReason
    model: str
    usage: Usage | None


class RemoteClient(ProviderClient):
    """A provider behind HTTP. A vendor's file says where, who, what is sent and how to read it."""

    provider: ClassVar[Provider]
    default_base_url: ClassVar[str] = ""
    path: ClassVar[str]
    auth_headers: ClassVar[Mapping[str, str]] = {"Authorization": "Bearer {key}"}
    needs_key: ClassVar[bool] = True
    stream_fields: ClassVar[Mapping[str, Any]] = {"stream": True}
    assembly: ClassVar[type[Assembly] | None] = None
    """What puts its streamed answers together; None: it is asked for whole answers alone."""

    def __init__(self, settings: ProviderSettings) -> None:
        base_url = settings.base_url or self.default_base_url
        if not base_url.lower().startswith(("http://", "https://")):
            raise ValueError(f"{settings.name} needs a base URL that begins with http(s)://")
        self._http = HttpClient(
            replace(settings, base_url=base_url), self.auth_headers, needs_key=self.needs_key
        )

    @property
    def name(self) -> Provider:
        return self.provider

    @abstractmethod
    def payload(self, request: CompletionRequest) -> dict[str, Any]:
        """The JSON to send."""

    @abstractmethod
    def read(self, data: Any) -> Answer:
        """The answer in a 200's JSON. Any error of a wrong key or type means a wrong shape."""

    def complete(self, request: CompletionRequest, *, timeout_s: float) -> Completion:
        assembly = self._begin_stream(request)
        payload = self.payload(request)
        reply = self._http.post(
            self.path,
            payload if assembly is None else {**payload, **self.stream_fields},
            timeout_s=timeout_s,
            keys_aside=request.keys_aside,
            hang_up=request.hang_up,
            assembly=assembly,
        )
        if error := error_in(reply, self._http.scrubber):
            raise error
        try:
            answer = self.read(reply.data)
        except _WRONG_SHAPE:
            answer = None
        if answer is None:
            said = self._http.scrubber.clean(reply.excerpt) or "an empty body"
            raise self._refusal(BadResponse, reply, f"sent no answer but: {said}")
        return self._judged(answer, reply, request)

    def _begin_stream(self, request: CompletionRequest) -> Assembly | None:
        if request.partial is None or self.assembly is None:
            return None
        request.partial.begin()
        return self.assembly(request.partial)

    def _judged(self, answer: Answer, reply: Reply, request: CompletionRequest) -> Completion:
        if answer.finish_reason is FinishReason.CONTENT_FILTER:
            said = f"declined to answer. {answer.text}"
            raise self._refusal(ContentFiltered, reply, said, answer.usage)
        if not answer.text.strip() and answer.finish_reason is not FinishReason.LENGTH:
            said = f"sent an empty answer ({answer.finish_reason})."
            raise self._refusal(BadResponse, reply, said, answer.usage)
        return Completion(
            text=storable(answer.text),
            model=storable(answer.model)[:_MOST_MODEL_CHARS] or request.model,
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            request_id=request_id(reply),
        )

    def _refusal(
        self, kind: type[ProviderError], reply: Reply, said: str, usage: Usage | None = None
    ) -> ProviderError:
        message = self._http.scrubber.clean(f"{self.name} {said}")
        error = kind(message, http_status=reply.status, request_id=request_id(reply))
        error.usage = usage
        return error


def tokens(count: object) -> int | None:
    """A token count as a vendor sent it; None if it is none."""
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MOST_TOKENS:
        return count
    return None


def text_of(value: object) -> str:
    """The value if it is text, empty if it is null. Raises: TypeError for anything else."""
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"text expected, not {type(value).__name__}")
