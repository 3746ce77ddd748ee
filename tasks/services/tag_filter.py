"""Tasks that carry a tag: JSON containment, which PostgreSQL has and SQLite has not."""

from __future__ import annotations

import json
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Lookup


class HoldsText(Lookup):
    """True where a JSON list holds exactly this text. The text travels as a parameter."""

    lookup_name = "holds_text"
    prepare_rhs = False
    output_field = BooleanField()

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} @> %s::jsonb", [*parameters, json.dumps([self.rhs])]

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        found = f"SELECT 1 FROM json_each({column}) WHERE type = 'text' AND value = %s"  # noqa: S608
        return f"EXISTS ({found})", [*parameters, self.rhs]


def has_tag(tag: str) -> HoldsText:
    """A condition for `Task` rows."""
    return HoldsText(F("tags"), tag)
