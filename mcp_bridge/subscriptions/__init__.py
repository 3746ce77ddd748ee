"""Who wants to be told when one of their tasks changes.

All of them in a process are told by the one reader of the outbox, which looks for everybody at
once; here nothing is asked of the database until there is news.
"""

from mcp_bridge.subscriptions.legacy import LegacySubscriptions
from mcp_bridge.subscriptions.listen import ListenHandler

__all__ = ["LegacySubscriptions", "ListenHandler"]
