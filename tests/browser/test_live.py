"""A person's own task, watched as it is answered: no reload, the text as it comes, a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.screenshots import log_in
from tests.browser.site import start_web
from tests.deployment import Deployment, template_database
from tests.fakes.behaviour import Behaviour
from tests.fakes.process import FakeProviderProcess


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProviderProcess]:
    with FakeProviderProcess() as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, provider) -> Iterator[str]:
    """An installation that asks a provider for its answers in pieces."""
    folder: Path = tmp_path_factory.mktemp("live")
    with Deployment.create(folder, template_database()) as deployment:
        deployment.environment |= provider.environment("openai") | {"TASKRUNNER_STREAM": "true"}
        deployment.start("qcluster", TASKRUNNER_WORKERS="1")
        yield start_web(deployment)


def _submit(page, address: str, prompt: str) -> None:
    log_in(page, address)
    page.goto(f"{address}/tasks/new/")
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_role("button", name="What would it cost?").click()
    expect(page.locator("[role=status]")).to_contain_text("At most about $")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))


def test_an_answer_grows_on_the_page_until_it_is_there(open_page, address, provider):
    text = "Once upon a time <b>there</b> was a whale. " * 8
    provider.script(Behaviour(text=text, pieces=8, pause_s=0.6), prompt_contains="whale")
    page = open_page()
    _submit(page, address, "Tell me of a whale")
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    expect(page.get_by_text("Being written")).to_be_visible(timeout=20_000)
    part = page.locator("pre.answer").inner_text()
    assert 0 < len(part) < len(text)
    assert text.startswith(part.strip())
    expect(page.locator(".standing .pill")).to_have_text("COMPLETED", timeout=20_000)
    expect(page.locator("pre.answer")).to_have_text(text.strip())
    expect(page.locator("#live-switch")).to_be_hidden()
    assert loads == []


def test_a_running_task_is_cancelled_by_its_button(open_page, address, provider):
    provider.script(Behaviour(text="x " * 100, pieces=100, pause_s=0.5), prompt_contains="stop")
    page = open_page()
    _submit(page, address, "stop me")
    expect(page.locator(".standing .pill")).to_have_text("PROCESSING", timeout=20_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".standing .pill")).to_have_text("CANCELLED")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
