"""API keys: created once, checked at each request, revoked for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from tasks.errors import InvalidInput
from tasks.models import ApiKey
from tasks.prepared import Prepared
from tasks.services.audit import note
from tasks.vocabulary import Scope

_USE_IS_NEWS_AFTER = timedelta(minutes=1)
_ASKED_FOR = (  # by each request; what else there is to know is read when somebody asks
    "scope", "expires_at", "revoked_at", "last_used_at",
    "user__username", "user__is_active", "user__is_staff", "user__is_superuser",
)  # fmt: skip
_keys = ApiKey.objects.select_related("user").only(*_ASKED_FOR)
_by_digest: Prepared[ApiKey] = Prepared(lambda digest: _keys.filter(digest=digest))
_by_key: Prepared[ApiKey] = Prepared(lambda pk: _keys.filter(pk=pk))
_user_by_key: Prepared[Any] = Prepared(lambda pk: get_user_model().objects.filter(pk=pk))


@transaction.atomic
def create_api_key(
    user: AbstractBaseUser, *, name: str, scope: Scope, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """The row and the key itself, which cannot be shown again."""
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InvalidInput({"name": ["Must be 1 to 100 printable characters."]})
    key = ApiKey.generate()
    row = ApiKey.objects.create(
        user_id=user.pk,
        name=name,
        prefix=key[:10],
        digest=ApiKey.digest_of(key),
        scope=scope.value,
        expires_at=expires_at,
    )
    note("key.create", f"key {row.pk}", user=user, of=user.get_username(), scope=row.scope)
    return row, key


def find_api_key(key: str) -> ApiKey | None:
    """The usable key of an active user, or None: unknown, revoked, expired, user switched off."""
    row = _by_digest.first(ApiKey.digest_of(key))
    now = timezone.now()
    if row is None or not row.is_usable(now) or not row.user.is_active:
        return None
    if row.last_used_at is None or now - row.last_used_at > _USE_IS_NEWS_AFTER:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)  # once a minute is near enough
    return row


def is_still_welcome(user: AbstractBaseUser, key: ApiKey | None) -> bool:
    """Asked again of somebody who was let in a while ago, with `key` or, if None, by a session:
    the user is switched on, staff or not as then, and the key usable."""
    if key is None:
        found: Any = _user_by_key.first(user.pk)
    else:
        row = _by_key.first(key.pk)
        found = row.user if row is not None and row.is_usable(timezone.now()) else None
    is_staff = getattr(user, "is_staff", False)
    return found is not None and found.is_active and found.is_staff == is_staff


@transaction.atomic
def revoke_api_key(row: ApiKey) -> None:
    """Of no use from now on; revoking twice keeps the first moment."""
    if ApiKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
        note("key.revoke", f"key {row.pk}")
