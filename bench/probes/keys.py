"""Makes API keys."""

from __future__ import annotations

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.services.api_keys import create_api_key  # noqa: E402
from tasks.vocabulary import Scope  # noqa: E402


def make(user: str, count: int) -> list[str]:
    """So many keys of `user`, who is made if need be; each may write."""
    owner, _ = get_user_model().objects.get_or_create(username=user)
    return [
        create_api_key(owner, name=f"bench {number}", scope=Scope.WRITE)[1]
        for number in range(count)
    ]


if __name__ == "__main__":
    serve(make)
