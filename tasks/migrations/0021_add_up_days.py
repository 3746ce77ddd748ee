"""What the rollups know so far: by the day, too, and with what answers used again have saved."""

from __future__ import annotations

from typing import Any

from django.db import migrations

_TABLES = {
    "ended": (("provider", "source", "status", "error_code"), ("count",)),
    "tally": (("kind", "key"), ("completed", "failed", "cost_units", "run_ms")),
    "call": (
        ("provider", "model", "outcome"),
        ("count", "cost_units", "unpriced", "prompt_tokens", "completion_tokens"),
    ),
}
_SAVED = """
INSERT INTO tasks_tallyhour (hour, owner_id, kind, key, completed, failed, cost_units, run_ms)
SELECT hour, {owner}, 'saved', '', COUNT(*), 0, SUM(units), 0
FROM (SELECT {hour} AS hour, owner_id, {units} AS units FROM tasks_task
      WHERE saved_usd IS NOT NULL AND finished_at IS NOT NULL) AS copied
WHERE hour < (SELECT rolled_to FROM tasks_rollupprogress) AND hour >= {first}
GROUP BY 1, 2
"""
_FIRST = "(SELECT rolled_to FROM tasks_rollupprogress) - 24 * 32"


def add_up(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        hour = "FLOOR(EXTRACT(EPOCH FROM finished_at) / 3600)::integer"
        units, nobody = "(saved_usd * 10000000000)::bigint", "NULL::integer"
    else:
        hour = "(CAST(strftime('%s', substr(finished_at, 1, 19)) AS INTEGER) / 3600)"
        units, nobody = "CAST(ROUND(saved_usd * 10000000000.0) AS INTEGER)", "NULL"
    for owner in ("owner_id", nobody):
        schema_editor.execute(
            _SAVED.format(owner=owner, hour=hour, units=units, first=_FIRST), params=None
        )
    for name, (keys, sums) in _TABLES.items():
        columns = ", ".join(("day", "owner_id", *keys, *sums))
        groups = ", ".join(("hour / 24", "owner_id", *keys))
        totals = ", ".join(f"SUM({column})" for column in sums)
        places = ", ".join(str(n + 1) for n in range(2 + len(keys)))
        schema_editor.execute(
            f"INSERT INTO tasks_{name}day ({columns})"
            f" SELECT {groups}, {totals} FROM tasks_{name}hour GROUP BY {places}",
            params=None,
        )


class Migration(migrations.Migration):
    dependencies = [("tasks", "0020_figures_by_day")]

    operations = [migrations.RunPython(add_up, migrations.RunPython.noop)]
