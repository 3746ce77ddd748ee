"""Typed readers over django-environ: nonsense is refused with the variable's name and the rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Word = TypeVar("Word", bound=StrEnum)


class Environment:
    """The process environment, completed by a `.env` file; what is set already wins."""

    def __init__(self, dotenv: Path) -> None:
        self._env = environ.Env()
        if dotenv.is_file():
            environ.Env.read_env(dotenv, encoding="utf-8")

    def text(self, name: str, default: str = "") -> str:
        # Not by the library's own reader: it takes a secret such as "$x…" for another's name.
        return str(self._env.ENVIRON.get(name, default)).strip()

    def flag(self, name: str, default: bool) -> bool:
        raw = self.text(name).lower()
        if raw in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
            return default if raw == "" else raw in ("1", "true", "yes", "on")
        raise _refusal(name, raw, "must be true or false")

    def words(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list; an empty value means an empty list, not the default."""
        raw = self.text(name, default)
        return [word.strip() for word in raw.split(",") if word.strip()]

    def word(self, name: str, allowed: Sequence[str]) -> str:
        """One of `allowed`, or empty."""
        raw = self.text(name).lower()
        if raw and raw not in allowed:
            raise _refusal(name, raw, f"must be one of {', '.join(allowed)}")
        return raw

    def known_words(self, name: str, allowed: Sequence[str], default: str) -> list[str]:
        """A list of which each word is one of `allowed`, once."""
        words = [word.lower() for word in self.words(name, default)]
        for word in words:
            if word not in allowed or words.count(word) > 1:
                rule = f"must be a list of {', '.join(allowed)}, each at most once"
                raise _refusal(name, ",".join(words), rule)
        return words

    def choice(self, name: str, default: Word) -> Word:
        raw = self.text(name) or default.value
        kind = type(default)
        try:
            return kind(raw.lower())
        except ValueError:
            raise _refusal(name, raw, f"must be one of {', '.join(kind)}") from None

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        value = self.optional_integer(name, least=least, most=most)
        return default if value is None else value

    def optional_integer(self, name: str, *, least: int = 1, most: int = 2**31 - 1) -> int | None:
        raw = self.text(name)
        if raw == "":
            return None
        rule = f"must be a whole number from {least} to {most}"
        try:
            value = int(raw)
        except ValueError:
            raise _refusal(name, raw, rule) from None
        if not least <= value <= most:
            raise _refusal(name, raw, rule)
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        value = self.optional_number(name, least=least, most=most)
        return default if value is None else value

    def optional_number(self, name: str, *, least: float, most: float) -> float | None:
        raw = self.text(name)
        if raw == "":
            return None
        rule = f"must be a number from {least:g} to {most:g}"
        try:
            value = float(raw)
        except ValueError:
            raise _refusal(name, raw, rule) from None
        if not math.isfinite(value) or not least <= value <= most:
            raise _refusal(name, raw, rule)
        return value

    def optional_money(self, name: str, *, least: str, most: str) -> Decimal | None:
        raw = self.text(name)
        if raw == "":
            return None
        rule = f"must be an amount from {least} to {most}"
        try:
            value = Decimal(raw)
        except InvalidOperation:
            raise _refusal(name, raw, rule) from None
        if not value.is_finite() or not Decimal(least) <= value <= Decimal(most):
            raise _refusal(name, raw, rule)
        return value

    def url(self, name: str, default: str = "") -> str:
        """An http(s) address without its trailing slash."""
        return self.exact_url(name, default).rstrip("/")

    def exact_url(self, name: str, default: str = "") -> str:
        """An http(s) address as it was written."""
        raw = self.text(name) or default
        if raw:
            parts = urlsplit(raw)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _refusal(name, raw, "must be an http:// or https:// address")
        return raw

    def email(self, name: str) -> dict[str, Any]:
        """Django's settings for sending mail; by default through this machine's port 25."""
        url = self.text(name) or "smtp://localhost:25"
        try:
            found = dict(self._env.email_url_config(url))
        except (ValueError, KeyError, ImproperlyConfigured):
            found = {}
        if not found.get("EMAIL_BACKEND"):
            rule = "must be like smtp+tls://user:password@host:587 or consolemail://"
            raise _refusal(name, url.split(":", 1)[0] + "://…", rule)
        return {key: value for key, value in found.items() if key.startswith("EMAIL_")}

    def redis(self, name: str) -> str:
        """A Redis address as it was written, or empty."""
        raw = self.text(name)
        scheme, mark, place = raw.partition("://")
        if raw and (scheme not in ("redis", "rediss", "unix") or not mark or not place):
            rule = "must begin with redis://, rediss:// or unix://"
            raise _refusal(name, scheme + "://…", rule)
        return raw

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings for one database; only SQLite and PostgreSQL are supported."""
        url = self.text(name) or default
        scheme = url.split(":", 1)[0]
        if scheme not in ("sqlite", "postgres", "postgresql"):
            raise _refusal(name, scheme + "://…", "must begin with sqlite:/// or postgres://")
        try:
            return dict(self._env.db_url_config(url))
        except (ValueError, KeyError, ImproperlyConfigured):
            raise _refusal(name, scheme + "://…", "is not a valid database address") from None


def _refusal(name: str, raw: str, rule: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}={raw[:60]!r}: {name} {rule}. Change it or remove it.")
