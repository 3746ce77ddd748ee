"""Row P6, and D3 at a submit: the web process dies, or its database does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployment import wait_until
from tests.faults.installation import Installation, kill
from tests.faults.private_postgres import PrivatePostgres, needs_postgres
from tests.faults.web import Reply, Web, create_key

pytestmark = pytest.mark.processes

KEYS = [f"key {number}" for number in range(60)]


def test_answered_submits_outlive_the_web_process_and_repeats_double_nothing(
    installation: Installation,
):
    """P6: kill -9 amid submits of eight clients, who then repeat all of them."""
    key = create_key(installation)
    first = Web.start(installation, key)
    answers: dict[str, Reply | None] = {}

    def submit(prompt: str) -> None:
        answers[prompt] = first.submit(prompt)

    with ThreadPoolExecutor(8) as clients:
        submits = [clients.submit(submit, prompt) for prompt in KEYS]
        wait_until(lambda: len(answers) >= 20, 40, "submits are answered")
        kill(first.process.pid)
        for one in submits:
            one.result(40)
    answered = {prompt: reply.body for prompt, reply in answers.items() if reply is not None}
    assert 20 <= len(answered) < len(KEYS)
    rows = dict(installation.deployment.query("SELECT prompt, id FROM tasks_task"))
    assert {prompt: body["id"] for prompt, body in answered.items()}.items() <= rows.items()

    second = Web.start(installation, key)
    with ThreadPoolExecutor(8) as clients:
        repeated = dict(zip(KEYS, clients.map(second.submit, KEYS), strict=True))
    assert all(reply is not None and reply.is_accepted for reply in repeated.values())
    assert {prompt: repeated[prompt].body for prompt in answered} == answered
    assert len(installation.ids()) == len(KEYS)
    installation.start_cluster()
    assert installation.wait_for_end(60) == {"COMPLETED": len(KEYS)}
    assert installation.provider.count() == len(KEYS)


@needs_postgres
def test_submit_without_a_database_is_refused_with_503_and_may_be_repeated(
    stoppable: tuple[Installation, PrivatePostgres],
):
    """D3. The web process lives on and needs no restart."""
    installation, server = stoppable
    web = Web.start(installation, create_key(installation))
    before = web.submit("before")
    assert before is not None
    assert before.is_accepted
    server.stop("immediate")

    refused = web.submit("during")
    assert refused is not None
    assert (refused.status, refused.body["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")

    server.start()
    accepted = wait_until(lambda: _accepted(web.submit("during")), 30, "submits are accepted")
    assert accepted.body["prompt"] == "during"
    assert web.process.poll() is None
    assert installation.deployment.query("SELECT prompt FROM tasks_task ORDER BY id") == [
        ("before",),
        ("during",),
    ]


def _accepted(reply: Reply | None) -> Reply | None:
    return reply if reply is not None and reply.is_accepted else None
