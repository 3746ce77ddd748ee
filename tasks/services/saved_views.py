"""Saved views of the list of tasks: kept by their owner, seen by nobody else."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from tasks.errors import InvalidInput
from tasks.models import SavedView

MOST_VIEWS = 30


def views_of(user: AbstractBaseUser) -> list[SavedView]:
    """By name."""
    return list(SavedView.objects.filter(owner_id=user.pk))


def save_view(user: AbstractBaseUser, name: str, query: str) -> SavedView:
    """`query` under this name, in place of what had it before.

    Raises:
        InvalidInput: no name, no filter, too long, or `MOST_VIEWS` exist already.
    """
    name = name.strip()
    if not 1 <= len(name) <= 60 or "\x00" in name:
        raise InvalidInput({"name": ["Must be 1 to 60 characters."]})
    if not query:
        raise InvalidInput({"query": ["Choose a filter, a search or an order first."]})
    if len(query) > 500:
        raise InvalidInput({"query": ["Is too long to be kept."]})
    others = SavedView.objects.filter(owner_id=user.pk).exclude(name=name)
    if others.count() >= MOST_VIEWS:
        raise InvalidInput({"name": [f"There may be {MOST_VIEWS} views. Forget one first."]})
    view, _ = SavedView.objects.update_or_create(
        owner_id=user.pk, name=name, defaults={"query": query}
    )
    return view


def forget_view(user: AbstractBaseUser, name: str) -> bool:
    """Was there one?"""
    gone, _ = SavedView.objects.filter(owner_id=user.pk, name=name).delete()
    return bool(gone)
