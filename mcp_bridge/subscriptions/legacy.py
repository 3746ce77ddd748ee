"""How clients before 2026-07-28 are told, where a connection stays open: of the tasks that they
subscribed to, and, once they have listed the prompts, of changes in that list.

Over HTTP no connection does: this server has no sessions there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from django.db import Error
from mcp.server import Server
from mcp.server.session import ServerSession
from mcp_types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error, resource_not_found
from mcp_bridge.identity import Context, Identify
from mcp_bridge.resources import is_fixed
from mcp_bridge.subscriptions.addresses import own_of, tasks_at
from mcp_bridge.subscriptions.watch import PROMPTS, Watch
from tasks.errors import DatabaseUnavailable, DomainError


class LegacySubscriptions:
    """Of one connection, for as long as `lifespan` lasts."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self._watch: Watch | None = None
        self._teller: asyncio.Task[None] | None = None
        self._uris: dict[int, str] = {}
        self._follows_prompts = False

    @contextlib.asynccontextmanager
    async def lifespan(self, server: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        try:
            yield {}
        finally:
            if self._teller is not None:
                self._teller.cancel()
            if self._watch is not None:
                self._watch.close()

    async def follow_prompts(self, ctx: Context) -> None:
        """Called before they are listed, so that no change falls between.

        Raises:
            MCPError: the database is away.
        """
        if self._follows_prompts or ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return
        try:
            await self._begin(ctx.session).add_prompts(self._identify(ctx).user_id)
        except DomainError as refusal:
            raise protocol_error(refusal) from refusal
        self._follows_prompts = True

    async def subscribe(self, ctx: Context, params: SubscribeRequestParams) -> EmptyResult:
        """Of what is no task there will never be news, but whoever asks need not know that."""
        uri, tasks = str(params.uri), tasks_at([str(params.uri)])
        if not tasks and is_fixed(uri):
            return EmptyResult()
        try:
            own = await on_database(self._identify(ctx), lambda user: own_of(user, tasks))
            if not own:
                raise resource_not_found(uri, ctx.protocol_version)
            await self._begin(ctx.session).add(own.values())
        except DomainError as refusal:
            raise protocol_error(refusal) from refusal
        except Error as fault:
            unavailable = DatabaseUnavailable("The database does not answer. Try again soon.")
            raise protocol_error(unavailable) from fault
        self._uris[own[uri]] = uri
        return EmptyResult()

    async def unsubscribe(self, ctx: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        for number in tasks_at([str(params.uri)]).values():
            if self._watch is not None:
                self._watch.remove(number)
            self._uris.pop(number, None)
        return EmptyResult()

    def _begin(self, session: ServerSession) -> Watch:
        if self._watch is None:
            self._watch = Watch()
            self._teller = asyncio.create_task(self._tell(session, self._watch))
        return self._watch

    async def _tell(self, session: ServerSession, watch: Watch) -> None:
        while (changed := await watch.next()) is not None:
            if changed == PROMPTS:
                await session.send_prompt_list_changed()
            elif changed in self._uris:
                await session.send_resource_updated(self._uris[changed])
