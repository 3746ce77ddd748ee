"""API keys on behalf of somebody: made, looked at, revoked; none can do more than its maker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from tasks.errors import InvalidInput, KeyNotFound
from tasks.models import ApiKey
from tasks.services.access import as_key
from tasks.services.api_keys import create_api_key, revoke_api_key
from tasks.services.fields import StrictText
from tasks.services.submission import clean
from tasks.vocabulary import Scope

MOST_KEYS = 100


class KeyOrderSerializer(serializers.Serializer[Any]):
    """What a new key shall be."""

    name = StrictText(max_length=100, help_text="Your own name for it.")
    scope = serializers.ChoiceField(
        [scope.value for scope in Scope],
        default=Scope.READ.value,
        help_text="Each includes the one before; a key makes none above its own.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Of no use after; null: until it is revoked."
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("Must be in the future.")
        return value


def visible_keys(user: AbstractBaseUser, using: ApiKey | None) -> QuerySet[ApiKey]:
    """The keys of `user`. Staff see all, unless they come with a key below `admin`.

    using: the key that the caller came with; None for a session.
    """
    rows = ApiKey.objects.select_related("user")
    is_admin = getattr(user, "is_staff", False) and (using is None or using.allows(Scope.ADMIN))
    return rows if is_admin else rows.filter(user_id=user.pk)


def get_key(user: AbstractBaseUser, using: ApiKey | None, key_id: object) -> ApiKey:
    """Raises: KeyNotFound: there is none, or it is somebody else's."""
    row = visible_keys(user, using).filter(pk=as_key(key_id, KeyNotFound)).first()
    if row is None:
        raise KeyNotFound(key_id)
    return row


def order_key(user: AbstractBaseUser, using: ApiKey | None, data: object) -> tuple[ApiKey, str]:
    """A new key of `user`: its row, and the key itself, which cannot be shown again.

    Raises:
        InvalidInput: a rule is broken; the key would be able to do more, or live longer, than the
        one that asks for it; or there are MOST_KEYS usable ones.
    """
    fields = clean(KeyOrderSerializer, data)
    scope, expires_at = Scope(fields["scope"]), fields.get("expires_at")
    if using is not None:
        expires_at = expires_at or using.expires_at
        _refuse_more_than(using, scope, expires_at)
    if ApiKey.objects.filter(user_id=user.pk, revoked_at=None).count() >= MOST_KEYS:
        rule = f"There may be {MOST_KEYS} keys. Revoke one first."
        raise InvalidInput({"non_field_errors": [rule]})
    return create_api_key(user, name=fields["name"], scope=scope, expires_at=expires_at)


def revoke_key(user: AbstractBaseUser, using: ApiKey | None, key_id: object) -> None:
    """Of no use from now on, for whoever holds it. Raises: KeyNotFound."""
    revoke_api_key(get_key(user, using, key_id))


def _refuse_more_than(using: ApiKey, scope: Scope, expires_at: datetime | None) -> None:
    if not using.allows(scope):
        raise InvalidInput({"scope": [f"May not be above {using.scope}, as of the key you sent."]})
    if using.expires_at is not None and (expires_at is None or expires_at > using.expires_at):
        moment = using.expires_at.isoformat()
        raise InvalidInput({"expires_at": [f"May not be after {moment}, as of the key you sent."]})
