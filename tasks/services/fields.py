"""DRF fields without leniency: "5" is no integer, true is no number, 7 is no text."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator


class StrictInteger(serializers.IntegerField):
    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class StrictFloat(serializers.FloatField):
    default_error_messages = {"invalid": "Must be a number."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            value = float(data)
        except OverflowError:
            self.fail("invalid")
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class StrictBoolean(serializers.BooleanField):
    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class NoSurrogates(ProhibitSurrogateCharactersValidator):
    """DRF's rule, which looks at each character, asked only where there is something to find."""

    def __call__(self, value: str) -> None:
        try:
            str(value).encode()
        except UnicodeEncodeError:
            super().__call__(value)


class StrictText(serializers.CharField):
    """Text as it came, surrounding space removed. NUL and lone surrogates are refused by DRF."""

    default_error_messages = {"invalid": "Must be a text."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            NoSurrogates() if isinstance(rule, ProhibitSurrogateCharactersValidator) else rule
            for rule in self.validators
        ]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Reference(StrictText):
    """A name, or an id as a number."""

    def to_internal_value(self, data: Any) -> str:
        is_id = isinstance(data, int) and not isinstance(data, bool)
        return super().to_internal_value(str(data)[:30] if is_id else data)


class Text(StrictText):
    """Text of many lines, kept to the letter."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
