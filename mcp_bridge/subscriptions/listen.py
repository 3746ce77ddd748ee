"""`subscriptions/listen`: the stream on which clients of the 2026-07-28 revision are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import Error
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    NotificationParams,
    PromptListChangedNotification,
    ResourceUpdatedNotification,
    ResourceUpdatedNotificationParams,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error
from mcp_bridge.extension import Wire, is_follower, standing_of
from mcp_bridge.identity import Context, Identify
from mcp_bridge.subscriptions.addresses import number_of, own_of, tasks_at
from mcp_bridge.subscriptions.watch import PROMPTS, Watch
from tasks.errors import DatabaseUnavailable, DomainError
from tasks.services import get_task

LONGEST_S = 900.0  # then a client comes back, and with it the question whether its key still holds
_MOST_STREAMS = 1_024
_MOST_TASKS = 1_000


class ListenHandler:
    """Acknowledges what it will tell of, which is the caller's own, and then tells."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self._open = 0

    async def __call__(
        self, ctx: Context, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        if ctx.request_id is None:
            raise MCPError(code=INVALID_REQUEST, message="Listening needs a request's id")
        if self._open >= _MOST_STREAMS:
            raise MCPError(code=INTERNAL_ERROR, message="Too many streams are open")
        self._open += 1
        watch = Watch()
        try:
            await self._serve(ctx, params.notifications, watch)
        except DomainError as refusal:
            raise protocol_error(refusal) from refusal
        except Error as fault:
            unavailable = DatabaseUnavailable("The database does not answer. Try again soon.")
            raise protocol_error(unavailable) from fault
        finally:
            watch.close()
            self._open -= 1
        return SubscriptionsListenResult(_meta={SUBSCRIPTION_ID_META_KEY: ctx.request_id})

    async def _serve(self, ctx: Context, asked: SubscriptionFilter, watch: Watch) -> None:
        caller = self._identify(ctx)
        uris = tasks_at((asked.resource_subscriptions or [])[:_MOST_TASKS])
        followed = _task_ids(asked) if is_follower(ctx) else {}
        uris, followed = await on_database(
            caller, lambda user: (own_of(user, uris), own_of(user, followed))
        )
        await watch.add({*uris.values(), *followed.values()})
        if asked.prompts_list_changed:
            await watch.add_prompts(caller.user_id)
        await self._send(ctx, _acknowledgement(asked, uris, followed, ctx))
        try:
            async with asyncio.timeout(LONGEST_S):
                while (changed := await watch.next()) is not None:
                    if changed == PROMPTS:
                        await self._send(ctx, _prompts_changed(ctx))
                    for uri in [uri for uri, number in uris.items() if number == changed]:
                        await self._send(ctx, _updated(uri, ctx))
                    if changed in followed.values():
                        await self._tell_standing(ctx, changed)
        except TimeoutError:
            return

    async def _tell_standing(self, ctx: Context, task_id: int) -> None:
        def look(user: AbstractBaseUser) -> Wire:
            return standing_of(get_task(user, task_id))

        standing = await on_database(self._identify(ctx), look)
        standing.pop("resultType")
        standing["_meta"] = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
        await self._send(ctx, _Standing(standing))

    async def _send(self, ctx: Context, notification: Any) -> None:
        await ctx.session.send_notification(notification, related_request_id=ctx.request_id)


class _Standing:
    """`notifications/tasks`, which the SDK does not know: what `tasks/get` tells, nulls and all."""

    def __init__(self, params: Wire) -> None:
        self._params = params

    def model_dump(self, **options: Any) -> Wire:
        return {"method": "notifications/tasks", "params": self._params}


def _task_ids(asked: SubscriptionFilter) -> dict[str, int]:
    """The tasks extension's own part of the filter."""
    given = (asked.model_extra or {}).get("taskIds")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    numbers = {name: number_of(name) for name in names[:_MOST_TASKS]}
    return {name: number for name, number in numbers.items() if number is not None}


def _acknowledgement(
    asked: SubscriptionFilter, uris: Mapping[str, int], followed: Mapping[str, int], ctx: Context
) -> SubscriptionsAcknowledgedNotification:
    more: dict[str, Any] = {"taskIds": [*followed]} if followed else {}
    honored = SubscriptionFilter(
        prompts_list_changed=asked.prompts_list_changed or None,
        resource_subscriptions=[*uris] or None,
        **more,
    )
    return SubscriptionsAcknowledgedNotification(
        params=SubscriptionsAcknowledgedNotificationParams(
            notifications=honored, _meta={SUBSCRIPTION_ID_META_KEY: ctx.request_id}
        )
    )


def _prompts_changed(ctx: Context) -> PromptListChangedNotification:
    meta = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
    return PromptListChangedNotification(params=NotificationParams(_meta=meta))


def _updated(uri: str, ctx: Context) -> ResourceUpdatedNotification:
    meta = {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
    return ResourceUpdatedNotification(
        params=ResourceUpdatedNotificationParams(uri=uri, _meta=meta)
    )
