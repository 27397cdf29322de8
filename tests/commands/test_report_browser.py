"""The report in a real browser: everything is drawn, in both themes, and nothing is asked of the network."""

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE
from tests.commands.test_demo import FIGURES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium")
@pytest.mark.parametrize(("theme", "width"), [("light", 1300), ("dark", 420)])
def test_the_report_draws_itself_without_the_network(demo, theme, width):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((demo / "report.html").as_uri())
        for name in FIGURES:
            page.locator(f"#{name}").scroll_into_view_if_needed()
            page.wait_for_selector(f"#{name} .slot.drawn", timeout=PATIENCE)
        assert not errors
        assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [
            (demo / "report.html").as_uri()
        ]
        # No sideways scrolling: tables and figures keep to the width of the window.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
