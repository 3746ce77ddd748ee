"""An operator at work: failures retried by the hundred, a breaker reset, a download read."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.screenshots import log_in

LIST = "/admin/tasks/task/"


def _select_all(page, action):
    """Tick the page, then all that the filter finds, and ask for the action."""
    page.locator("#action-toggle").check()
    page.locator(".actions .question a").click()
    page.select_option("select[name=action]", action)
    page.get_by_role("button", name="Go").click()


def test_two_hundred_failures_are_retried_at_once(open_page, web, installation):
    code = "from tests.browser.scenery import fail_many; fail_many(200)"
    done = installation.manage("shell", "-c", code)
    assert done.returncode == 0, done.stderr
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}{LIST}?error=bad_response")
    _select_all(page, "retry_selected")
    expect(page.locator(".counted")).to_contain_text("200 tasks match the filter")
    page.get_by_role("button", name="Retry: 200 tasks").click()
    expect(page.locator(".messagelist")).to_contain_text("200 tasks put back to PENDING.")
    page.goto(f"{web}{LIST}?error=bad_response")
    expect(page.locator("#result_list")).to_have_count(0)


def test_the_failures_of_the_stats_page_are_two_clicks_from_their_retry(open_page, web):
    page = open_page()
    log_in(page, web)
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator(".counted")).to_contain_text("match the filter")
    expect(page.get_by_role("button", name="Retry:")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    assert "status__exact=FAILED" in page.url


def test_an_open_breaker_is_reset(open_page, web):
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}/admin/tasks/providerstate/")
    row = page.locator("tr", has_text="anthropic")
    expect(row).to_contain_text("6 of 8 calls failed")
    row.get_by_role("button", name="Reset breaker").click()
    expect(page.locator(".messagelist")).to_contain_text("Anthropic has a fresh breaker")
    expect(page.locator("tr", has_text="anthropic")).not_to_contain_text("6 of 8 calls failed")


def test_a_filtered_export_is_downloaded_whole(open_page, web, installation, tmp_path: Path):
    ((fallbacks,),) = installation.query(
        "SELECT count(*) FROM tasks_task WHERE result_source = 'fallback'"
    )
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}{LIST}?result_source__exact=fallback")
    page.locator("#action-toggle").check()
    page.select_option("select[name=action]", "export_csv")
    page.get_by_role("button", name="Go").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "tasks.csv")
    with (tmp_path / "tasks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == fallbacks > 5
    assert {row["result_source"] for row in rows} == {"fallback"}


def test_a_view_is_named_used_and_forgotten(open_page, web):
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}{LIST}?provider__exact=openai&status__exact=FAILED")
    page.get_by_label("Name of the new view").fill("Trouble at openai")
    page.get_by_role("button", name="Save the view").click()
    page.goto(f"{web}{LIST}")
    page.get_by_role("link", name="Trouble at openai").click()
    assert "provider__exact=openai" in page.url
    expect(page.locator(".views a[aria-current]")).to_have_text("Trouble at openai")
    page.get_by_role("button", name="Forget the view Trouble at openai").click()
    expect(page.get_by_role("link", name="Trouble at openai")).to_have_count(0)


def test_a_failed_message_is_sent_again(open_page, web):
    page = open_page()
    log_in(page, web)
    page.goto(f"{web}/admin/tasks/webhookdelivery/?state__exact=failed")
    page.get_by_role("link", name="evt_4").click()
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".messagelist")).to_contain_text("Evt_4 is on its way again")
