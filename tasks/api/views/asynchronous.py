"""Views that wait without a thread: DRF's gate on a thread, then the event loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response

from tasks.api.views.base import ApiView


class AsyncApiView(ApiView):
    """DRF knows no asynchronous views. This one runs DRF's gate (keys, scopes, throttles) and
    DRF's rendering on a thread, and what lies between on the event loop.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        async def view(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
            return await cls(**initkwargs)._answer(request, kwargs)

        # What DRF's own as_view leaves for whoever lists the views.
        view.cls = cls  # type: ignore[attr-defined]
        view.initkwargs = initkwargs  # type: ignore[attr-defined]
        exempt: Callable[..., Coroutine[Any, Any, HttpResponseBase]] = csrf_exempt(view)
        return exempt

    @abstractmethod
    def admit(self, **kwargs: str) -> Any:
        """On a thread: what `go_on` needs of a GET that was let in; refusals are raised."""

    @abstractmethod
    async def go_on(self, admitted: Any) -> HttpResponseBase:
        """On the event loop: the answer."""

    async def _answer(self, request: HttpRequest, kwargs: dict[str, str]) -> HttpResponseBase:
        refusal, admitted = await sync_to_async(self._enter)(request, kwargs)
        return await self.go_on(admitted) if refusal is None else refusal

    def _enter(
        self, request: HttpRequest, kwargs: dict[str, str]
    ) -> tuple[HttpResponseBase | None, Any]:
        """A refusal, or what `admit` says. The connection is given back: it may be long."""
        self.setup(request, **kwargs)
        self.request = self.initialize_request(request, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, **kwargs)
            if self.request.method not in ("GET", "HEAD"):
                return self.finish(self._handler()), None
            return None, self.admit(**kwargs)
        except Exception as exc:  # noqa: BLE001 - DRF re-raises what is no known refusal
            return self._render(self.handle_exception(exc)), None
        finally:
            if not connection.in_atomic_block:  # the caller's transaction goes on
                connection.close_if_unusable_or_obsolete()

    def _handler(self) -> Callable[..., Response]:
        """OPTIONS, or the refusal of a method that there is not."""
        name = str(self.request.method).lower()
        known = name in self.http_method_names
        return (
            getattr(self, name, self.http_method_not_allowed)
            if known
            else (self.http_method_not_allowed)
        )

    def finish(self, handler: Callable[..., Response]) -> HttpResponseBase:
        """What an ordinary handler answers, rendered; on a thread."""
        try:
            return self._render(handler(self.request, **self.kwargs))
        except Exception as exc:  # noqa: BLE001 - DRF re-raises what is no known refusal
            return self._render(self.handle_exception(exc))

    def _render(self, response: Response) -> HttpResponseBase:
        # Set where DRF's templates look for it, too.
        final = self.finalize_response(self.request, response, **self.kwargs)
        self.response = final
        return final
