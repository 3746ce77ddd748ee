"""What a person does and sees, in a real browser over real processes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.places import BEFORE_LOGIN, foreign_places, places
from tests.browser.scenery import HOSTILE
from tests.browser.screenshots import log_in
from tests.deployment import wait_until

NARROW = {"width": 360, "height": 740}
_LIGHTNESS = """() => {
    const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
    return (r + g + b) / 3;
}"""


def _overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_a_task_submitted_by_the_form_is_answered_and_counted(open_page, web):
    page = open_page()
    page.goto(web)
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.fill("#id_username", "admin")
    page.fill("#id_password", "admin-password")
    page.click("input[type=submit]")
    page.wait_for_url("**/stats/")
    before = page.locator(".statuses li", has_text="COMPLETED").inner_text()

    page.goto(f"{web}/admin/tasks/task/add/")
    page.fill("#id_prompt", "Sing of the <em>whale</em>")
    page.select_option("#id_provider", "mock")
    page.fill("#id_priority", "9")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/admin/tasks/task/\d+/change/"))
    number = page.url.split("/")[-3]
    expect(page.locator(".messagelist")).to_contain_text(f"Task {number} was submitted")

    def is_answered() -> bool:
        page.reload()
        return page.locator("h1 .pill").inner_text() == "COMPLETED"

    wait_until(is_answered, every_s=0.2)
    expect(page.locator("h1 .badge-mock")).to_be_visible()
    expect(page.locator("pre.text").first).to_have_text("Sing of the <em>whale</em>")
    expect(page.locator("table.attempts tbody tr")).to_have_count(1)

    page.goto(f"{web}/admin/tasks/task/?q={number}")
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Sing of the <em>whale</em>")
    expect(row.locator(".badge-mock")).to_be_visible()

    page.goto(f"{web}/stats/")
    count = page.locator(".statuses li", has_text="COMPLETED")
    expect(count).not_to_have_text(before, timeout=20_000)  # figures live for some seconds
    expect(page.locator("tr.mock")).to_contain_text("MOCK", ignore_case=True)


def test_a_task_is_cancelled_and_retried_by_its_buttons(open_page, web, installation):
    ((number,),) = installation.query(
        "SELECT min(id) FROM tasks_task WHERE waiting_reason = 'scheduled'"
    )
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}/admin/tasks/task/{number}/change/")
    expect(page.locator(".callout.wait")).to_contain_text("not to be called before")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("h1 .pill")).to_have_text("CANCELLED")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_errs_or_breaks_the_policy_in_either_scheme(open_page, web, installation, scheme):
    page = open_page(color_scheme=scheme)
    log_in(page, web)
    for path in places(installation).values():
        page.goto(web + path)
        assert (page.evaluate(_LIGHTNESS) < 60) == (scheme == "dark"), path
    for path in foreign_places(installation).values():
        page.goto(web + path, wait_until="networkidle")


@pytest.mark.once
def test_no_page_scrolls_sideways_on_a_phone(open_page, web, installation):
    page = open_page(viewport=NARROW)
    wide = {}
    for path in BEFORE_LOGIN.values():
        page.goto(web + path)
        wide[path] = _overflow(page)
    log_in(page, web)
    for name, path in places(installation).items():
        page.goto(web + path)
        wide[name] = _overflow(page)
    assert {name: pixels for name, pixels in wide.items() if pixels > 0} == {}


@pytest.mark.once
def test_a_hostile_text_runs_nowhere(open_page, web, installation):
    ((number,),) = installation.query(
        "SELECT id FROM tasks_task WHERE prompt = %s", (HOSTILE,)
    )  # fmt: skip
    page = open_page()
    log_in(page, web)
    for path in (
        "/stats/",
        f"/admin/tasks/task/?q={number}",
        f"/admin/tasks/task/{number}/change/",
    ):
        page.goto(web + path)
        expect(page.locator("body")).to_contain_text("<script>document.title='owned'</script>")
        assert page.title() != "owned"


def test_the_figures_renew_themselves_until_they_are_paused(open_page, web, installation):
    page = open_page()
    page.clock.install()
    log_in(page, web)
    cancelled = page.locator(".statuses li", has_text="CANCELLED")
    before = cancelled.inner_text()
    page.locator("#throughput-table summary").click()
    page.evaluate("document.activeElement.blur()")
    _cancel_one(installation)

    def is_renewed() -> bool:
        page.clock.run_for(5_000)
        return cancelled.inner_text() != before

    wait_until(is_renewed, every_s=0.3)  # the server keeps figures for a few real seconds
    expect(page.locator("#throughput-table")).to_have_attribute("open", "")

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-note")).to_contain_text("Paused at")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert asked == []


@pytest.mark.once
def test_who_wants_less_motion_starts_paused(open_page, web):
    page = open_page(reduced_motion="reduce")
    log_in(page, web)
    expect(page.locator("#live-note")).to_contain_text("Paused at")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


@pytest.mark.once
def test_an_admins_choice_of_theme_holds_on_the_stats_page(open_page, web):
    page = open_page(color_scheme="light")
    log_in(page, web)
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(_LIGHTNESS) < 60
    page.goto(f"{web}/admin/")
    assert page.evaluate(_LIGHTNESS) < 60


def _cancel_one(installation) -> None:
    installation.query(
        "UPDATE tasks_task SET status = 'CANCELLED', finished_at = created_at WHERE id ="
        " (SELECT min(id) FROM tasks_task WHERE status = 'COMPLETED')"
    )
