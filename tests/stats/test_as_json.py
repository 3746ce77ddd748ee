from __future__ import annotations

import json
from decimal import Decimal

from tasks.stats import StatsRange, take_snapshot
from tasks.stats.as_json import as_json


def test_the_body_is_plain_json_with_money_as_strings(operator, make_task, make_worker):
    make_worker("one", slots=4)
    make_task(cost_usd=Decimal("0.10"))
    make_task("FAILED")
    body = json.loads(json.dumps(as_json(take_snapshot(operator, StatsRange.DAY))))
    assert body["range"] == "24h"
    assert body["counts"]["COMPLETED"] == 1
    assert Decimal(body["cost_usd"]) == Decimal("0.10")
    assert Decimal(body["providers"][0]["cost_usd"]) == Decimal("0.10")
    assert body["recent_failures"][0]["error_code"] == "timeout"
    assert (body["capacity"], body["workers"][0]["name"]) == (4, "one")


def test_readers_who_are_not_staff_learn_nothing_of_the_workers(owner, make_worker):
    make_worker("one")
    body = as_json(take_snapshot(owner, StatsRange.HOUR))
    assert body["workers"] is body["capacity"] is body["live_workers"] is None
