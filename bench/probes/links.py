"""Where the stats page of somebody who is no operator leads: queries of the list of own tasks."""

from __future__ import annotations

import html
import re

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402


def links(user: str, path: str, pattern: str) -> list[str]:
    """What `pattern` finds of the links of the page, each once."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.get(username=user))
    found = re.findall(rf'href="{pattern}"', client.get(path).text)
    return list(dict.fromkeys(html.unescape(link) for link in found))


if __name__ == "__main__":
    serve(links)
