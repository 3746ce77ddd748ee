"""One installation with web and workers for all browser tests, and pages that report faults.

A page that logs an error, breaks the security policy or fails to load a file fails its test.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.site import has_chromium, open_browser, paint_scenery, start_web
from tests.deployment import Deployment, template_database, wait_until


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    mine = [item for item in items if here in item.path.parents]
    for item in mine:
        item.add_marker(pytest.mark.browser)
        if not has_chromium() and not os.environ.get("CI"):
            reason = "NO CHROMIUM at /usr/bin/chromium: the browser tests did NOT run"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("installation")
    with Deployment.create(folder, template_database()) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def web(installation: Deployment) -> str:
    """The address of an installation with a day's work in it, and a worker."""
    paint_scenery(installation)
    address = start_web(installation)
    installation.start("qcluster", TASKRUNNER_WORKERS="1")
    wait_until(
        lambda: installation.query("SELECT 1 FROM tasks_worker WHERE name NOT LIKE 'app-1:%%'"),
        what="a worker shows itself",
    )
    return address


@pytest.fixture(scope="module")  # its event loop must be gone before another file's tests
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A fresh page, `color_scheme` and `viewport` as asked; its faults fail the test."""
    faults: list[str] = []
    contexts = []

    def open_one(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
        page.on("console", lambda line: line.type == "error" and faults.append(line.text))
        page.on(
            "response",
            lambda reply: reply.status >= 400 and faults.append(f"{reply.status} {reply.url}"),
        )
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults
