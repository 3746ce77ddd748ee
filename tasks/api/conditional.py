"""ETags: whoever has the present answer is told so, and sent nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


def answer_if_changed(request: Request, data: Mapping[str, Any]) -> Response:
    """200 with `data` and its ETag, or 304 for an If-None-Match that names it.

    Weak, for the browsable API shows the same data as a page.
    """
    digest = hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]
    etag = f'W/"{digest}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or any(one.removeprefix("W/") == f'"{digest}"' for one in known):
        return Response(status=304, headers=headers)
    return Response(data, headers=headers)
