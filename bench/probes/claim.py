"""Claims, one after another, and says how long each took and by which indexes it went."""

from __future__ import annotations

import time
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.engine.claim import claim  # noqa: E402

_SLOTS = 128


def answer(claims: int = 0, explain: bool = False) -> Any:
    """Milliseconds of each of `claims` claims of 128 tasks, or the plans of one claim."""
    return _plans() if explain else [_claim_ms() for _ in range(claims)]


def _claim_ms() -> float:
    before = time.perf_counter()
    brought = claim(_SLOTS, "bench")
    took_ms = (time.perf_counter() - before) * 1000
    if len(brought.claimed) != _SLOTS:
        raise RuntimeError(f"only {len(brought.claimed)} tasks were left to claim")
    return took_ms


def _plans() -> list[str]:
    """What the database says of each statement that a claim sends and that can be explained."""
    with CaptureQueriesContext(connection) as captured:
        _claim_ms()
    word = (
        "EXPLAIN (ANALYZE, BUFFERS)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    )
    plans = []
    for query in captured.captured_queries:
        sql = query["sql"]
        if sql.startswith(("SELECT", "UPDATE")) and "clock_timestamp" not in sql:
            plans.append(f"{sql}\n\n{_explained(f'{word} {sql}')}\n")
    return plans


def _explained(statement: str) -> str:
    """The plan; what an UPDATE does under ANALYZE is undone."""
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return "\n".join(f"  {row[-1]}" for row in cursor.fetchall())
        except Exception as error:  # noqa: BLE001 - what was captured was never meant to be sent again
            return f"  (not explained: {str(error).splitlines()[0]})"
        finally:
            transaction.set_rollback(True)


if __name__ == "__main__":
    serve(answer)
