"""Who is calling: an API key in the Authorization header. Keys in the URL are never looked at."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tasks.models import ApiKey
from tasks.services.api_keys import find_api_key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`. `request.auth` is then the key's row."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiKey] | None:
        """The key's user and the key; None when the header speaks of no bearer.

        Raises:
            AuthenticationFailed: the key is unknown, revoked or expired, or its user is off.
        """
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("The Authorization header must be: Bearer KEY.")
        key = find_api_key(words[1].decode("latin-1"))
        if key is None:
            raise AuthenticationFailed("This API key is unknown, revoked or expired.")
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says in WWW-Authenticate."""
        return 'Bearer realm="api"'
