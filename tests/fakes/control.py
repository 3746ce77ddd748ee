"""The fake provider's control address: scripts and counts for tests in other processes."""

from __future__ import annotations

from typing import Any

from tests.fakes.behaviour import Behaviour, Rule
from tests.fakes.switchboard import Switchboard


def control(board: Switchboard, method: str, path: str, body: Any) -> Any:
    """Do what a control request asks and return its JSON; a mistake comes back as `error`."""
    try:
        return _control(board, method, path.partition("?"), body)
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _control(board: Switchboard, method: str, target: tuple[str, str, str], body: Any) -> Any:
    path, _, query = target
    match method, path:
        case "GET", "/_control/log":
            return board.report(with_requests=query != "counts")
        case "POST", "/_control/script":
            board.add_rule(rule_from_json(body))
        case "POST", "/_control/default":
            board.default = Behaviour.from_json(body)
        case "POST", "/_control/latency":
            board.latency_s = float(body["latency_s"])
        case "POST", "/_control/hold":
            board.is_held = True
        case "POST", "/_control/release":
            board.release()
        case "POST", "/_control/reset":
            board.reset()
        case _:
            raise KeyError(f"{method} {path}")
    return {"ok": True}


def rule_from_json(body: dict[str, Any]) -> Rule:
    """A rule from `{"behaviours": [...], "provider"?, "prompt_contains"?, "model"?, "key"?,
    "repeat"?}`."""
    behaviours = [Behaviour.from_json(one) for one in body["behaviours"]]
    if not behaviours:
        raise ValueError("behaviours is empty")
    return Rule(**{**body, "behaviours": behaviours, "used": 0})
