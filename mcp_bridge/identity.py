"""Who sent a request: the transports know, the methods ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server import ServerRequestContext

from mcp_bridge.caller import Caller

Context = ServerRequestContext[Any, Any]
Identify = Callable[[Context], Caller]
