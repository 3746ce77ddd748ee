"""What an OAuth client may know before it has a key (RFC 9728): that keys go into a header.

There is no authorization server: keys are made by `create_api_key`, so none is named.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from tasks.vocabulary import Scope

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_url(request: Request, path: str) -> str:
    """Where the metadata of the resource at `path` is found, as this client calls the server."""
    return f"{request.url.scheme}://{request.url.netloc}{WELL_KNOWN}{path}"


def describe_resource(request: Request, path: str) -> JSONResponse:
    """The metadata of the resource at `path`."""
    resource = f"{request.url.scheme}://{request.url.netloc}{path}"
    body = {
        "resource": resource,
        "resource_name": "Async AI Task Runner",
        "scopes_supported": [scope.value for scope in Scope],
        "bearer_methods_supported": ["header"],
    }
    return JSONResponse(body, headers={"Cache-Control": "public, max-age=3600"})
