from pathlib import Path

import pytest

from landscape.figures import FigureStyle, alt_text, save_figure
from tests.figures.synthetic import (
    basins,
    diversity_result,
    ensemble_result,
    fan_result,
    plane_result,
    search_result,
)

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no browser")
def test_the_page_draws_offline_and_has_no_button_that_sends_it_away(tmp_path):
    from playwright.sync_api import sync_playwright

    result, path = plane_result(21, 15, nll=basins), tmp_path / "plane.html"
    save_figure(result, path, FigureStyle(clip=5.0))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        page = browser.new_page()
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(".contourlayer path", state="attached")
        buttons = page.locator(".modebar-btn").evaluate_all("all => all.map(one => one.dataset.title)")
        label = page.get_by_role("img", name=alt_text(result, FigureStyle(clip=5.0)))
        assert label.count() == 1
        browser.close()
    assert requests == [path.as_uri()]
    assert complaints == []
    assert buttons
    assert not [title for title in buttons if "cloud" in title.lower() or "share" in title.lower()]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no browser")
def test_the_pages_of_groups_draw_without_a_complaint_wide_and_narrow(tmp_path):
    from playwright.sync_api import sync_playwright

    results = (fan_result(), ensemble_result(), diversity_result(), search_result())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        page = browser.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        for result in results:
            path = tmp_path / f"{result.attrs['study']}.html"
            save_figure(result, path, FigureStyle(split="test"))
            for width in (1400, 420):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(path.as_uri())
                page.wait_for_selector(".plotly .trace, .plotly .hm", state="attached")
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                boxes = page.locator(".annotation-text, .gtitle").evaluate_all(
                    "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
                )
                assert boxes
                assert min(left for left, _ in boxes) >= -1
        browser.close()
    assert complaints == []
