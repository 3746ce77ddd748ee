"""The pages in a real browser: nothing breaks the policy, hostile text stays text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page

from tests.browser.site import has_chromium, open_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (has_chromium() or os.environ.get("CI")),
        reason="NO CHROMIUM: the API's pages were NOT looked at",
    ),
]
HOSTILE = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs a loop of its own in this thread; Django would take it for an async view's.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with open_browser() as opened:
        yield opened
        connections.close_all()  # beside that loop the tests had a connection of their own
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains of, the page's policy first of all."""
    heard: list[str] = []
    page.on("console", lambda line: heard.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda fault: heard.append(str(fault)))
    return heard


def log_in(page: Page, live_server: Any, name: str) -> None:
    page.goto(f"{live_server.url}/admin/login/?next=/api/")
    page.fill("#id_username", name)
    page.fill("#id_password", f"{name}-password")
    page.click("[type=submit]")
    page.wait_for_url("**/api/")


def test_the_policy_is_strict_on_every_page(db):
    for path in ("/admin/login/", "/api/docs/", "/api/tasks/", "/healthz", "/nothing"):
        policy = Client().get(path)["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.django_db(transaction=True)
def test_swagger_ui_shows_every_operation_without_breaking_the_policy(
    page, complaints, live_server
):
    page.goto(f"{live_server.url}/api/docs/")
    page.wait_for_selector("#operations-tasks-tasks_create")
    assert page.locator(".opblock").count() >= 10
    page.click("#operations-tasks-tasks_create .opblock-summary")
    page.wait_for_selector("#operations-tasks-tasks_create .opblock-body")
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_swagger_ui_can_try_a_door_out_with_a_session(page, complaints, live_server, owner):
    log_in(page, live_server, "owner")
    page.goto(f"{live_server.url}/api/docs/")
    block = "#operations-tasks-tasks_create"
    page.click(f"{block} .opblock-summary")
    page.click(f"{block} .try-out__btn")
    page.click(f"{block} .execute")
    page.wait_for_selector(f"{block} .live-responses-table .response-col_status >> text=201")
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_the_browsable_api_works_and_shows_hostile_text_as_text(
    page, complaints, live_server, owner, make_task
):
    task = make_task(prompt=HOSTILE, tags=[HOSTILE[:50]], set_to={"result": HOSTILE})
    log_in(page, live_server, "owner")
    for path in (f"/api/tasks/{task.pk}/", "/api/tasks/", f"/api/tasks/{task.pk}/wait/?timeout=0"):
        page.goto(live_server.url + path)
        assert HOSTILE in page.inner_text(".response-info").replace('\\"', '"')
        assert "broken" not in page.title()
        assert page.locator(".breadcrumb a").first.inner_text() == "Root"
        assert "No Door" not in page.inner_text(".breadcrumb")
    page.goto(f"{live_server.url}/api/tasks/")
    page.click("text=Raw data") if page.is_visible("text=Raw data") else None
    page.fill("textarea[name=_content]", '{"prompt": "from the browser"}')
    page.click("#post-generic-content-form button, .form-actions button:has-text('POST')")
    page.wait_for_selector("text=HTTP 201 Created")
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_the_admin_breaks_no_rule_of_the_policy(page, complaints, live_server, operator, make_task):
    make_task()
    log_in(page, live_server, "operator")
    for path in ("/admin/", "/admin/tasks/task/", "/admin/auth/user/add/"):
        assert page.goto(live_server.url + path).status == 200
    assert complaints == []
