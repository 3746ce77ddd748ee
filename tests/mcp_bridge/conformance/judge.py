"""The official conformance suites: how they are run, and which of their scenarios do not apply."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.mcp_bridge.clients import FOLDER, NODE

SUITES = {
    "conformance-2025": ["--suite", "all"],  # revisions up to 2025-11-25
    "conformance-2026": ["--requirements", "2026-07-28", "--timeout", "8000"],
}

_NO_LOG = "the server writes its log to stderr; log messages to clients are deprecated"
_ASKS_NOTHING = "no tool asks the client back: a task has all that it needs when it is submitted"
_STATELESS = "HTTP has no sessions; subscriptions are for stdio, and for 2026-07-28 on both"
_ALWAYS_RUNS = "a FAILED task is an answer that says so; no tool fails in the protocol's own way"
_OPEN_TO_ALL = "no tool requires the tasks extension"
# Scenarios, and single checks of scenarios that apply otherwise.
NOT_APPLICABLE = {
    "logging-set-level": _NO_LOG,
    "tools-call-with-logging": _NO_LOG,
    "tools-call-sampling": _ASKS_NOTHING,
    "tools-call-elicitation": _ASKS_NOTHING,
    "elicitation-sep1034-defaults": _ASKS_NOTHING,
    "elicitation-sep1330-enums": _ASKS_NOTHING,
    "resources-subscribe": _STATELESS,
    "resources-unsubscribe": _STATELESS,
    "input-required-result-basic-elicitation": _ASKS_NOTHING,
    "input-required-result-basic-sampling": _ASKS_NOTHING,
    "input-required-result-basic-list-roots": _ASKS_NOTHING,
    "input-required-result-request-state": _ASKS_NOTHING,
    "input-required-result-multiple-input-requests": _ASKS_NOTHING,
    "input-required-result-multi-round": _ASKS_NOTHING,
    "input-required-result-non-tool-request": _ASKS_NOTHING,
    "input-required-result-result-type": _ASKS_NOTHING,
    "input-required-result-tampered-state": _ASKS_NOTHING,
    "input-required-result-capability-check": _ASKS_NOTHING,
    "tasks-mrtr-input": _ASKS_NOTHING,
    "tasks-mrtr-composition": _ASKS_NOTHING,
    "tasks-required-task-error": _OPEN_TO_ALL,
    "tasks-lifecycle/sep-2663-tool-error-uses-completed-status": _ALWAYS_RUNS,
    "tasks-lifecycle/sep-2663-tasks-get-status-failed": _ALWAYS_RUNS,
    "tasks-dispatch-and-envelope/tasks-server-directed-creation-no-hint": _ALWAYS_RUNS,
    "tasks-dispatch-and-envelope/tasks-result-type-complete-on-non-task-responses": _ASKS_NOTHING,
}
# What any server can be judged by, without the reference server's tools and resources.
GENERIC = {
    "server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "caching",
    "dns-rebinding-protection", "http-header-validation", "sep-2164-resource-not-found",
}  # fmt: skip


def failures_of(suite: str, url: str, folder: Path) -> dict[str, dict[str, str]]:
    """Every scenario of the suite that ran, with the checks that failed in it, and why."""
    program = FOLDER / "node_modules" / suite / "dist" / "index.js"
    subprocess.run(
        [NODE, program, "server", "--url", url, *SUITES[suite], "-o", str(folder)],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    outcome = {}
    for path in folder.glob("server-*/checks.json"):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", path.parent.name)
        outcome[scenario] = {
            check["id"]: str(check.get("errorMessage"))
            for check in json.loads(path.read_text())
            if check["status"] == "FAILURE"
        }
    return outcome
