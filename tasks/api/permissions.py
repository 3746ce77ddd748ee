"""What a key may do. A session has no scope: it may what its user may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from tasks.models import ApiKey
from tasks.vocabulary import Scope

if TYPE_CHECKING:  # DRF's views import this module while they are being imported
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """A `read` key reads, a `write` key writes too. A view may ask for more to write: `scope`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key: Any = request.auth
        if not isinstance(key, ApiKey):
            return True
        is_reading = request.method in SAFE_METHODS
        needed = Scope.READ if is_reading else getattr(view, "scope", Scope.WRITE)
        self.message = f"This key's scope is {key.scope}; {needed} is needed."
        return key.allows(needed)
