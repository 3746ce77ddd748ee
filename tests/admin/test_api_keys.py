from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session

from tasks.models import ApiKey
from tasks.services.api_keys import create_api_key, find_api_key
from tasks.vocabulary import Scope

LIST = "/admin/tasks/apikey/"
ADD = f"{LIST}add/"


def _create(client, user, **values):
    return client.post(ADD, {"user": user.pk, "name": "job", "scope": "write"} | values)


def test_a_new_key_is_shown_once_and_works(operator_client, owner):
    response = _create(operator_client, owner)
    key = re.search(r'id="key">(trk_[^<]+)<', response.text)[1]
    row = find_api_key(key)
    assert (row.user, row.scope, row.name) == (owner, "write", "job")
    assert "no-store" in response["Cache-Control"]
    for page in (LIST, "/admin/"):
        assert key not in operator_client.get(page).text
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    assert key not in kept + str(operator_client.cookies)
    assert key not in str(list(LogEntry.objects.values()))


def test_the_digest_is_on_no_page(operator_client, operator):
    row, _ = create_api_key(operator, name="job", scope=Scope.READ)
    assert row.digest not in operator_client.get(LIST).text
    assert operator_client.get(f"{LIST}{row.pk}/change/").status_code == 403


def test_a_revoked_key_opens_nothing(operator_client, operator):
    row, key = create_api_key(operator, name="job", scope=Scope.ADMIN)
    data = {"action": "revoke_selected", "_selected_action": [row.pk]}
    text = operator_client.post(LIST, data, follow=True).text
    assert "1 revoked" in text
    assert "pill-revoked" in text
    assert find_api_key(key) is None


def test_a_key_of_a_user_who_is_switched_off_is_not_called_usable(operator_client, owner):
    _, key = create_api_key(owner, name="job", scope=Scope.READ)
    assert "pill-usable" in operator_client.get(LIST).text
    owner.is_active = False
    owner.save()
    assert find_api_key(key) is None
    text = operator_client.get(LIST).text
    assert "pill-disabled" in text
    assert "pill-usable" not in text


def test_only_superusers_make_keys_for_others(staff_client, operator):
    client = staff_client("add_apikey", "view_apikey")
    assert _create(client, operator, scope="admin").status_code == 200
    assert not ApiKey.objects.exists()
    assert "operator" not in client.get(ADD).text


def test_staff_make_keys_for_themselves(staff_client, django_user_model):
    client = staff_client("add_apikey")
    _create(client, django_user_model.objects.get(username="clerk"))
    assert ApiKey.objects.get().user.username == "clerk"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\x07b"}, "name"),
        ({"scope": "root"}, "scope"),
        ({"expires_at": "2001-01-01T00:00"}, "expires_at"),
    ],
)
def test_a_broken_rule_is_told_at_its_field(operator_client, operator, values, field):
    response = _create(operator_client, operator, **values)
    assert list(response.context["adminform"].form.errors) == [field]
    assert not ApiKey.objects.exists()


def test_revoking_needs_its_permission(staff_client, operator):
    row, key = create_api_key(operator, name="job", scope=Scope.READ)
    client = staff_client("view_apikey")
    client.post(LIST, {"action": "revoke_selected", "_selected_action": [row.pk]})
    assert find_api_key(key) is not None
