"""Many submits, each judged before any is written; what passed waits in a spooled file.

So a bad line in the middle undoes nothing, memory stays flat however many there are, and SQLite's
one writer is held for the inserts alone, not for the judging.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser

from tasks.errors import InvalidInput, ItemsRefused
from tasks.models import Task
from tasks.querysets import database_now
from tasks.row_writes import insert_rows
from tasks.services.idempotency import canonical
from tasks.services.submission import SubmissionSerializer, judge_of
from tasks.services.submit import task_values
from tasks.services.template_shelf import Shelf

_ROWS_A_STATEMENT = 500
_SPOOL_IN_MEMORY = 1_048_576
_MOST_PROBLEMS_TOLD = 100
_ASKED = (
    "prompt", "system", "provider", "model", "priority", "max_tokens", "temperature", "failover",
    "max_attempts", "run_after", "expires_at", "tags", "metadata", "custom_id", "wake_at",
    "waiting_reason", "template_version_id",
)  # fmt: skip
_AS_JSON = ("tags", "metadata")
_LEFT_TO_DEFAULTS = (
    "status", "result_source", "served_provider", "served_model", "finish_reason", "truncated",
    "error_code", "error_message", "attempts", "claims", "boost",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Item:
    """One submit among many. `place` tells its sender which; `problem`: it could not be read."""

    place: str
    value: Any = None
    problem: str = ""


@dataclass(kw_only=True)
class Staged:
    """Submits that passed, in their order. `fingerprint` tells them from all others."""

    spool: Any
    total: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def fingerprint(self) -> str:
        return str(self.digest.hexdigest())

    def insert(self, owner: AbstractBaseUser, batch_id: int) -> None:
        """Make PENDING tasks of them. The caller's transaction makes it all or nothing."""
        now = database_now()
        same = {name: _default_of(name) for name in _LEFT_TO_DEFAULTS}
        same |= {"owner": owner.pk, "batch": batch_id, "created_at": now, "updated_at": now}
        self.spool.seek(0)
        for line in self.spool:
            insert_rows(Task, _ASKED, json.loads(line), same)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.spool.close()


def stage(owner: AbstractBaseUser, items: Iterable[Item]) -> Staged:
    """All of them, judged by a submit's rules for `owner`. Close what is returned.

    Raises:
        ItemsRefused: naming the place of each that breaks a rule.
    """
    staged = Staged(spool=tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY))  # noqa: SIM115
    try:
        _fill(staged, items, _Bench(owner))
    except BaseException:
        staged.spool.close()
        raise
    return staged


class _Bench:
    """What judging one item leaves for the next."""

    def __init__(self, owner: AbstractBaseUser) -> None:
        self.judge = judge_of(SubmissionSerializer)
        self.shelf = Shelf(owner)
        self.now = database_now()


def _fill(staged: Staged, items: Iterable[Item], bench: _Bench) -> None:
    problems: dict[str, dict[str, list[str]]] = {}
    bad = 0
    rows: list[list[Any]] = []
    for item in items:
        staged.total += 1
        try:
            rows.append(_row(staged, item, bench))
        except InvalidInput as refusal:
            bad += 1
            if len(problems) < _MOST_PROBLEMS_TOLD:
                problems[item.place] = refusal.fields
        if len(rows) == _ROWS_A_STATEMENT:
            _spool(staged, rows)
    if problems:
        raise ItemsRefused(problems, bad=bad, total=staged.total)
    _spool(staged, rows)


def _row(staged: Staged, item: Item, bench: _Bench) -> list[Any]:
    if item.problem:
        raise InvalidInput({"": [item.problem]})
    fields = bench.judge.clean(item.value)
    staged.digest.update(canonical(fields))
    values = task_values(bench.shelf.fill(fields), lambda: bench.now)
    return [_plain(name, values) for name in _ASKED]


def _plain(name: str, values: dict[str, Any]) -> Any:
    """The column's value as JSON can carry it, and `insert_rows` takes it."""
    value = values[name] if name in values else _default_of(name)
    if name in _AS_JSON:
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def _default_of(name: str) -> Any:
    column: Any = Task._meta.get_field(name)
    return column.get_default()


def _spool(staged: Staged, rows: list[list[Any]]) -> None:
    if rows:
        staged.spool.write(json.dumps(rows).encode() + b"\n")
    rows.clear()
