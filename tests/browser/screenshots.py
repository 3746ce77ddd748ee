"""`python -m tests.browser.screenshots FOLDER`: every page, light and dark, wide and narrow.

`python -m tests.browser.screenshots --readme docs/stats.png` makes the README's picture alone.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.places import BEFORE_LOGIN, places
from tests.browser.site import open_browser, paint_scenery, start_web
from tests.deployment import Deployment, template_database

_WIDTHS = {"wide": 1280, "narrow": 360}
_SCHEMES = ("light", "dark")


def take_all(folder: Path) -> None:
    """One PNG a page, colour scheme and width."""
    folder.mkdir(parents=True, exist_ok=True)
    with _stage() as (deployment, web, browser):
        _shoot_round(browser, web, folder, {"stats-empty": "/stats/"})
        paint_scenery(deployment)
        _shoot_round(browser, web, folder, places(deployment))


def take_for_readme(path: Path) -> None:
    """The upper part of the stats page after a day's work."""
    with _stage() as (deployment, web, browser):
        paint_scenery(deployment)
        context = browser.new_context(viewport={"width": 1180, "height": 930})
        page = context.new_page()
        log_in(page, web)
        page.screenshot(path=path)
        context.close()


@contextlib.contextmanager
def _stage() -> Iterator[tuple[Deployment, str, Browser]]:
    """An installation with three providers configured, its address, and a browser."""
    template = template_database()
    with tempfile.TemporaryDirectory() as scratch, \
            Deployment.create(Path(scratch), template) as deployment, \
            open_browser() as browser:  # fmt: skip
        keys = ("DEEPSEEK_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")
        deployment.environment |= dict.fromkeys(keys, "not-a-key")
        yield deployment, start_web(deployment), browser


def _shoot_round(browser: Browser, web: str, folder: Path, pages: dict[str, str]) -> None:
    for scheme in _SCHEMES:
        for size, width in _WIDTHS.items():
            context = browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 800}
            )
            page = context.new_page()
            for name, path in BEFORE_LOGIN.items():
                _shoot(page, web + path, folder / f"{name}-{scheme}-{size}.png")
            log_in(page, web)
            for name, path in pages.items():
                _shoot(page, web + path, folder / f"{name}-{scheme}-{size}.png")
            context.close()


def _shoot(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    page.screenshot(path=path, full_page=not path.name.startswith("list"))


def log_in(page: Page, web: str, user: str = "admin") -> None:
    page.goto(f"{web}/admin/login/?next=/stats/")
    page.fill("#id_username", user)
    page.fill("#id_password", f"{user}-password")
    page.click("input[type=submit]")
    page.wait_for_url("**/stats/")


if __name__ == "__main__":
    if sys.argv[1] == "--readme":
        take_for_readme(Path(sys.argv[2]))
    else:
        take_all(Path(sys.argv[1]))
