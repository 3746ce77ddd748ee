"""The extension `io.modelcontextprotocol/tasks`: wait_for_task as a run that its client follows.

What is followed is the Task row itself, by its id, for its owner: there is nothing else to keep,
so it goes on when this server is started anew. Source: SEP-2663, revision 2026-07-28.
"""

from mcp_bridge.extension.access import EXTENSION, is_follower
from mcp_bridge.extension.followed_task import Wire, standing_of
from mcp_bridge.extension.methods import add_followed_tasks, follow

__all__ = ["EXTENSION", "Wire", "add_followed_tasks", "follow", "is_follower", "standing_of"]
