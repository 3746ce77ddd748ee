"""What an operator could ask one of the admin's lists for, as the list itself offers it."""

from __future__ import annotations

from typing import Any

import django

django.setup()

from django.contrib.admin.templatetags.admin_list import result_headers  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402


def choices(path: str) -> dict[str, Any]:
    """`filters`: queries by the filter that they belong to. `sorts`: queries, both ways. `pages`:
    how many there are."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.get(username="admin"))
    answer: Any = client.get(path)
    shown = answer.context_data["cl"]
    filters = {
        str(spec.title): [
            choice["query_string"].lstrip("?")
            for choice in list(spec.choices(shown))
            if choice["query_string"] not in ("", "?")
        ]
        for spec in shown.filter_specs
    }
    columns = [n for n, header in enumerate(result_headers(shown)) if header["sortable"]]
    sorts = [f"o={sign}{n}" for n in columns for sign in ("", "-")]
    return {"filters": filters, "sorts": sorts, "pages": shown.paginator.num_pages}


if __name__ == "__main__":
    serve(choices)
