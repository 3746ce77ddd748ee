"""All shared limits together: what a claim asks of them, and when there is room again."""

from __future__ import annotations

from tasks.conf import get_conf
from tasks.engine.budget import GATE as BUDGET_GATE
from tasks.engine.budget import seconds_to_budget
from tasks.engine.limits import quotas, seconds_to_quota
from tasks.engine.parking import free_from_gates_but, is_anyone_held
from tasks.engine.sharing import GATE as SHARING_GATE
from tasks.vocabulary import Provider

LOOK_EVERY_S = 30.0


def seconds_to_room() -> float | None:
    """Seconds until the first held task can be let in; None if nobody knows. Locks nothing."""
    has_limit = bool(quotas()) or get_conf().daily_budget_usd is not None
    if not has_limit or not is_anyone_held():
        return None
    known = [wait for wait in (seconds_to_quota(), seconds_to_budget()) if wait is not None]
    return min(known, default=None)


def free_ungated() -> int:
    """Tasks that wait for a limit which the settings know no more are due. Returns how many."""
    gates = [provider.value for provider in quotas()]
    if gates:
        gates.append(Provider.AUTO.value)
    if get_conf().daily_budget_usd is not None:
        gates.append(BUDGET_GATE)
    if get_conf().cache_ttl_s:
        gates.append(SHARING_GATE)
    return free_from_gates_but(gates)
