"""Who is calling: a user, and how far the door they came through lets them go."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from tasks.errors import NotPermitted, RateLimited
from tasks.prepared import Prepared
from tasks.services.rates import count_event

_WINDOW_S = 60
_active_user: Prepared[AbstractBaseUser] = Prepared(
    lambda key: get_user_model()._default_manager.filter(pk=key, is_active=True)
)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """`calls_a_minute`: of the API key `key_id`, REST calls counted in; None means no limit.

    user: as they were found with this very request; None where the caller outlives a request.
    """

    user_id: int
    can_write: bool
    user: AbstractBaseUser | None = None
    key_id: int | None = None
    calls_a_minute: int | None = None

    def find_user(self) -> AbstractBaseUser:
        """The user as they are now: switched off since then means gone.

        Raises:
            NotPermitted: the user is gone or not active any more.
        """
        if self.user is not None:
            return self.user
        user = _active_user.first(self.user_id)
        if user is None:
            raise NotPermitted("The user that this server acts as is not active any more.")
        return user

    def count_call(self) -> None:
        """One more call.

        Raises:
            RateLimited: it was one too many for this minute.
        """
        if self.calls_a_minute is None:
            return
        count, left_s = count_event(f"api:key:{self.key_id}", _WINDOW_S)
        if count > self.calls_a_minute:
            raise RateLimited(
                f"More than {self.calls_a_minute} calls a minute. Call again in {left_s:.0f} s.",
                retry_after_s=left_s,
            )
