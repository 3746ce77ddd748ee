"""API keys: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from tasks.vocabulary import Scope, choices

_PREFIX = "trk_"
_RANK = {Scope.READ: 0, Scope.WRITE: 1, Scope.ADMIN: 2}


class ApiKey(models.Model):
    """A program's credential: acts as its user, within its scope."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=5, choices=choices(Scope), default=Scope.READ.value)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def generate() -> str:
        """A new key: 256 random bits behind a prefix that secret scanners can know."""
        return _PREFIX + secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(key: str) -> str:
        """SHA-256 is enough: the key is random, not a password that could be guessed."""
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def is_usable(self, now: datetime) -> bool:
        is_alive = self.expires_at is None or self.expires_at > now
        return self.revoked_at is None and is_alive

    def allows(self, scope: Scope) -> bool:
        return _RANK[Scope(self.scope)] >= _RANK[scope]
