import re

import pytest

FIGURE = ".st-key-figure [data-drawn]"
STATE = "document.querySelector('.st-key-figure .landscape-plot')"


def wait_for_figure(page, kind=".contourlayer path"):
    page.wait_for_selector(f"{FIGURE} {kind}", state="attached")
    page.wait_for_timeout(400)  # the poster fades


def drawn(page):
    return page.locator(".st-key-figure .landscape-chart").get_attribute("data-drawn")


def wait_for_change(page, before):
    page.wait_for_function(
        "before => document.querySelector('.st-key-figure .landscape-chart').dataset.drawn !== before",
        arg=before,
    )
    page.wait_for_timeout(300)


def pixel_of(page, x, y):
    """Where a place of the plane is on the screen."""
    left, top = page.locator(".st-key-figure .nsewdrag").evaluate(
        "e => [e.getBoundingClientRect().left, e.getBoundingClientRect().top]"
    )
    across, down = page.evaluate(
        f"([x, y]) => [{STATE}._fullLayout.xaxis.d2p(x), {STATE}._fullLayout.yaxis.d2p(y)]", [x, y]
    )
    return left + across, top + down


def click_at(page, x, y):
    left, top = pixel_of(page, x, y)
    page.mouse.move(left - 2, top)
    page.mouse.move(left, top)
    page.wait_for_timeout(100)
    page.mouse.click(left, top)


def test_the_first_picture_is_the_poster_and_the_figure_takes_its_place(page, app):
    page.goto(app.url)
    poster = page.locator(".st-key-figure .landscape-poster")
    poster.wait_for(state="attached")
    assert poster.get_attribute("src").startswith("data:image/webp;base64,")
    before = page.locator(".st-key-figure .landscape-chart").bounding_box()
    wait_for_figure(page)
    assert page.locator(".st-key-figure .landscape-chart").bounding_box() == before, "nothing jumps"
    assert poster.evaluate("image => getComputedStyle(image).opacity") == "0"
    assert page.get_by_role("heading", name="Three valleys").is_visible()
    assert page.get_by_role("figure", name=re.compile("Contour map of train loss")).is_visible()
    names = page.locator(".st-key-figure .legendtext").all_text_contents()
    assert [name for name in names if name.startswith(("A", "B", "C"))] == ["A: w1", "B: w2", "C: w3"]


def test_a_click_anywhere_reads_out_the_point(page, app):
    page.goto(app.url)
    wait_for_figure(page)
    click_at(page, 3.21, 2.34)
    readout = page.locator(".st-key-readout")
    readout.get_by_text("interpolated").wait_for()
    x, y = (float(part) for part in re.search(r"at=([-\d.]+)(?:%2C|,)([-\d.]+)", page.url).groups())
    assert x == pytest.approx(3.21, abs=0.03)
    assert y == pytest.approx(2.34, abs=0.03)
    assert "alpha 3.2" in readout.inner_text()
    assert page.locator(".st-key-checkpoints_panel").get_by_text("distance", exact=True).is_visible()
    page.locator(".st-key-clear_point button").click()
    readout.get_by_text("Click anywhere").wait_for()
    assert "at=" not in page.url


def test_the_zoom_survives_every_change(page, app):
    page.goto(app.url)
    wait_for_figure(page)
    (left, top), (right, bottom) = pixel_of(page, 1.0, 3.0), pixel_of(page, 4.0, 1.5)
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=6)
    page.mouse.up()
    page.wait_for_timeout(500)
    ranges = f"() => [{STATE}._fullLayout.xaxis.range, {STATE}._fullLayout.yaxis.range].flat()"
    zoomed = page.evaluate(ranges)
    assert zoomed[1] - zoomed[0] < 6, "the drag has zoomed"
    for name in ("Error", "Test"):
        before = drawn(page)
        page.get_by_role("radio", name=name).or_(
            page.get_by_role("button", name=name, exact=True)
        ).first.click()
        wait_for_change(page, before)
        assert page.evaluate(ranges) == pytest.approx(zoomed, abs=1e-6)
    before = drawn(page)
    click_at(page, 2.5, 2.2)
    wait_for_change(page, before)
    assert page.evaluate(ranges) == pytest.approx(zoomed, abs=1e-6)


def at_rest(page, expression):
    """A value once it has stopped changing: without a graphics card the camera comes late to where the mouse was."""
    before = None
    while (now := page.evaluate(expression)) != before:
        before = now
        page.wait_for_timeout(1000)
    return now


def test_the_camera_survives_every_change(page, app):
    page.goto(f"{app.url}/?view=Surface")
    wait_for_figure(page, ".gl-container canvas")
    box = page.locator(".st-key-figure .landscape-chart").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 120, middle[1] + 30, steps=5)
    page.mouse.up()
    eye = f"() => {{ const e = {STATE}._fullLayout.scene._scene.getCamera().eye; return [e.x, e.y, e.z]; }}"
    turned = at_rest(page, eye)
    assert turned != pytest.approx([1.25, 1.25, 1.25], abs=1e-3)
    before = drawn(page)
    slider = page.locator(".st-key-clip_loss").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    wait_for_change(page, before)
    assert page.evaluate(eye) == pytest.approx(turned, abs=1e-3)


MAGIC = {
    "png": b"\x89PNG\r\n\x1a\n",
    "svg": b"<?xml",
    "pdf": b"%PDF-",
    "html": b"<!DOCTYPE html>",
    "csv": b"# Three valleys",
    "nc": b"\x89HDF\r\n\x1a\n",
}


def test_every_export_holds_what_it_says(page, app, tmp_path):
    page.goto(app.url)
    wait_for_figure(page)
    page.get_by_role("button", name="Export").click()
    for kind, magic in MAGIC.items():
        with page.expect_download() as waiting:
            page.locator(f".st-key-export_{kind} button").click()
        download = waiting.value
        assert download.suggested_filename == f"three-valleys.{kind}"
        download.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(magic)


def test_a_link_restores_what_was_on_the_screen(page, app):
    page.goto(f"{app.url}/?result=two&measure=Error&split=Test&scale=Linear&at=0.4,0.1")
    wait_for_figure(page, ".scatterlayer .trace")
    assert page.get_by_role("heading", name="From w1 to w2").is_visible()
    assert "error" in page.locator(".st-key-figure .landscape-chart").get_attribute("aria-label")
    assert page.locator(".st-key-readout").get_by_text("t = 0.4").first.is_visible()
    chosen = page.locator(".st-key-split [aria-checked=true], .st-key-split [kind$=Active]")
    assert chosen.first.inner_text() == "Test"


def test_the_dark_theme_is_dark_all_through(chromium, app):
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(app.url)
    wait_for_figure(page)
    ink = page.locator(".st-key-figure .xtick text").first.evaluate("text => getComputedStyle(text).fill")
    assert min(int(part) for part in re.findall(r"\d+", ink)[:3]) > 150
    context.close()


def test_a_phone_sees_all_of_the_figure(chromium, app):
    context = chromium.new_context(viewport={"width": 420, "height": 850})
    page = context.new_page()
    page.goto(app.url)
    wait_for_figure(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    box = page.locator(".st-key-figure .nsewdrag").bounding_box()
    assert box["width"] > 250
    context.close()
