"""Signatures as in Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signed_headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a receiver verifies with. timestamp: seconds since the epoch, of this try."""
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
