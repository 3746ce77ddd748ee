"""What axe-core finds on every page: nothing that keeps people from using it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.places import places
from tests.browser.screenshots import log_in

pytestmark = pytest.mark.once  # axe-core judges the markup and its colours

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def _findings(page):
    # Without preload: axe would fetch style sheets by addresses that are not there.
    report = Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:160]}"
        for found in report.response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", NARROW)], ids=["light-wide", "dark-narrow"]
)
def test_no_page_has_a_serious_finding(open_page, web, installation, scheme, viewport):
    # axe itself sets styles; that the pages do not is told by the other tests.
    page = open_page(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    page.goto(f"{web}/")
    findings = {"/": _findings(page)}
    log_in(page, web)
    for name, path in places(installation).items():
        page.goto(web + path)
        findings[name] = _findings(page)
    bad = {path: found for path, found in findings.items() if found}
    assert not bad, "\n".join(f"{path}: {line}" for path in bad for line in bad[path])
