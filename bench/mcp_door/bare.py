"""The measure of all things: the SDK's own server, Django, and a tool that reads one row.

`python -m bench.mcp_door.bare [PORT]`: stdio, or HTTP without sessions and without keys.
"""

from __future__ import annotations

import sys
from typing import Any, TypedDict

import django
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

server = MCPServer("bare")


class Row(TypedDict):
    id: int
    status: str
    provider: str
    priority: int


@server.tool()
def get_task_status(task_id: int) -> Row:
    """One row by its key."""
    from tasks.models import Task  # noqa: PLC0415 - Django is set up by now

    row: Any = Task.objects.filter(pk=task_id).values("id", "status", "provider", "priority").get()
    return Row(**row)


def main(port: str | None) -> None:
    django.setup()
    if port is None:
        server.run()
        return
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.run(
        "streamable-http",
        port=int(port),
        stateless_http=True,
        transport_security=security,
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
