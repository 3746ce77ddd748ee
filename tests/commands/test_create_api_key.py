"""`create_api_key`: a key that works, shown once."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from tasks.models import ApiKey
from tasks.services.api_keys import find_api_key

pytestmark = pytest.mark.django_db


def test_key_is_printed_alone_and_works(owner) -> None:
    out = io.StringIO()
    call_command("create_api_key", "owner", "--name", "laptop", "--scope", "write", stdout=out)
    (key,) = out.getvalue().splitlines()
    row = find_api_key(key)
    assert row is not None
    assert (row.user, row.name, row.scope) == (owner, "laptop", "write")


def test_key_itself_is_not_kept(owner) -> None:
    out = io.StringIO()
    call_command("create_api_key", "owner", "--name", "laptop", "--scope", "read", stdout=out)
    assert out.getvalue().strip() not in str(ApiKey.objects.values().get())


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody", "--name", "x", "--scope", "read"],
        ["owner", "--name", "  ", "--scope", "read"],
        ["owner", "--name", "x", "--scope", "everything"],
        ["owner", "--scope", "read"],
    ],
)
def test_what_makes_no_sense_makes_no_key(owner, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", *arguments)
    assert not ApiKey.objects.exists()
