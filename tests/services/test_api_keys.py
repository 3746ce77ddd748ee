"""API keys: shown once, kept as a hash."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.models import ApiKey
from tasks.services.api_keys import create_api_key, find_api_key, is_still_welcome, revoke_api_key
from tasks.vocabulary import Scope


def test_the_key_itself_is_not_in_the_database(owner):
    row, key = create_api_key(owner, name="laptop", scope=Scope.READ)
    assert key not in str(ApiKey.objects.values().get())
    assert find_api_key(key) == row


@pytest.mark.parametrize("key", ["", "trk_", "x" * 100_000, "\x00", "\ud800", "é"])
def test_what_is_no_key_finds_nothing(owner, key):
    create_api_key(owner, name="laptop", scope=Scope.READ)
    assert find_api_key(key) is None


def test_revoking_twice_keeps_the_first_moment(owner):
    row, key = create_api_key(owner, name="laptop", scope=Scope.READ)
    revoke_api_key(row)
    first = ApiKey.objects.get().revoked_at
    revoke_api_key(row)
    assert ApiKey.objects.get().revoked_at == first
    assert find_api_key(key) is None


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00b"])
def test_a_bad_name_is_refused(owner, name):
    with pytest.raises(InvalidInput):
        create_api_key(owner, name=name, scope=Scope.READ)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}])
def test_who_came_by_a_session_is_welcome_until_something_changes(owner, change):
    assert is_still_welcome(owner, None)
    type(owner).objects.update(**change)
    assert not is_still_welcome(owner, None)
