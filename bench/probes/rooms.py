"""Fills what stands around the tasks: templates, batches, keys, webhooks with messages, the log."""

from __future__ import annotations

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from bench.probes.fill import indexes_last, insert  # noqa: E402
from tasks.models import (  # noqa: E402
    ApiKey,
    AuditEntry,
    Batch,
    PromptTemplate,
    TemplateVersion,
    WebhookDelivery,
    WebhookEndpoint,
)

_IS_POSTGRES = connection.vendor == "postgresql"
_LONG_AGO = "now() - interval '1 day'" if _IS_POSTGRES else "datetime('now', '-1 day')"
_JSON = "::jsonb" if _IS_POSTGRES else ""
_OWNER = {"owner_id": "1"}
_TEMPLATE = _OWNER | {
    "name": "'template-' || n", "latest": "1", "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
    "published": "n % 3 = 0",
}  # fmt: skip
_VERSION = {
    "template_id": "n", "number": "1", "prompt": "'Hello {{ name }}'", "created_at": _LONG_AGO,
}  # fmt: skip
_BATCH = _OWNER | {
    "name": "'batch ' || n", "total": "10", "created_at": _LONG_AGO, "is_open": "n % 100 = 0",
}  # fmt: skip
_KEY = {
    "user_id": "1", "name": "'key ' || n", "prefix": "'trk_' || n", "digest": "'digest ' || n",
    "scope": "CASE n % 3 WHEN 0 THEN 'read' WHEN 1 THEN 'write' ELSE 'admin' END",
    "created_at": _LONG_AGO,
}  # fmt: skip
_ENDPOINT = _OWNER | {
    "url": "'https://example.org/hook/' || n", "nonce": "'nonce'", "created_at": _LONG_AGO,
    "is_enabled": "n % 50 <> 0", "events": f"""'["task.failed"]'{_JSON}""",
}  # fmt: skip
_MESSAGE = {
    "endpoint_id": "1 + n % 5", "event_id": "n", "type": "'task.failed'", "tries": "1",
    "body": """'{"type":"task.failed","data":{"id":' || n || '}}'""",
    "state": "CASE WHEN n % 5003 = 0 THEN 'failed' WHEN n % 9001 = 0 THEN 'pending'"
    " ELSE 'delivered' END",
    "log": """'[{"number":1,"at":"2026-01-01T00:00:00+00:00","http_status":204,"error":null,"""
    f""""duration_ms":9}}]'{_JSON}""",
    "created_at": _LONG_AGO,
}  # fmt: skip
_ENTRY = {
    "at": _LONG_AGO, "door": "CASE WHEN n % 1009 = 0 THEN 'mcp' WHEN n % 7 = 0 THEN 'admin'"
    " ELSE 'api' END", "actor_id": "1 + n % 2",
    "actor": "CASE n % 2 WHEN 0 THEN 'admin' ELSE 'second' END", "action": "'task.submit'",
    "subject": "'task ' || n",
}  # fmt: skip


def furnish(few: int, many: int) -> int:
    """`few` templates, batches, keys and webhooks; `many` messages and entries of the log."""
    get_user_model().objects.get_or_create(username="second")
    insert(PromptTemplate, _TEMPLATE, few)
    insert(TemplateVersion, _VERSION, few)
    insert(Batch, _BATCH, few)
    insert(ApiKey, _KEY, few)
    insert(WebhookEndpoint, _ENDPOINT, few)
    with indexes_last(WebhookDelivery, AuditEntry):
        insert(WebhookDelivery, _MESSAGE, many)
        insert(AuditEntry, _ENTRY, many)
    return few + many


if __name__ == "__main__":
    serve(furnish)
