"""From a recipe to what its networks have in common, in the real app."""

import re

import pytest

from landscape.core.requests import EnsembleRequest, TrainRequest, request_from_json
from landscape.service.jobs import Jobs
from landscape.service.library import list_checkpoints
from tests.browser.conftest import PATIENCE
from tests.browser.test_explore import FIGURE
from tests.figures.synthetic_groups import diversity_result
from tests.ui.builders import put_result, with_checkpoints_of


def fill(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Enter")
    page.wait_for_timeout(500)


def job_in(page, app):
    page.wait_for_url(re.compile("job="))
    return Jobs(app.home).find(re.search(r"job=(\w+)", page.url)[1])


def test_a_recipe_shows_its_fields_and_its_planned_rate(page, app):
    page.goto(f"{app.url}/workbench?question=Train+a+run")
    page.locator(".st-key-plan_figure [data-drawn]").wait_for()
    drawn = page.locator(".st-key-plan_figure .landscape-chart")
    assert "60 epochs, with 6 snapshots" in drawn.get_attribute("aria-label")
    page.get_by_role("radio", name="SWA").or_(
        page.get_by_role("button", name="SWA", exact=True)
    ).first.click()
    page.get_by_label("Lowest rate then", exact=True).wait_for()
    assert page.get_by_text("Izmailov et al. 2018").is_visible()
    assert page.get_by_label("Momentum at a restart", exact=True).count() == 0
    assert "recipe=SWA" in page.url
    fill(page, "Epochs", "7")
    fill(page, "Second phase after epoch", "9")
    page.get_by_text("give a number below 7").wait_for()
    assert page.locator(".st-key-train button").count() == 0


def test_a_tiny_run_is_trained_to_its_end_and_found_in_the_library(page, app):
    page.goto(f"{app.url}/workbench?question=Train+a+run&recipe=FGE")
    architecture = page.locator(".st-key-train_architecture input")
    architecture.fill("mlp")
    architecture.press("Enter")
    page.wait_for_timeout(500)
    for label, value in {"Epochs": "6", "Second phase after epoch": "2", "Epochs per cycle": "2"}.items():
        fill(page, label, value)
    page.locator(".st-key-train button").click()
    job = job_in(page, app)
    assert request_from_json(job.request_json) == TrainRequest(
        recipe="fge", architecture="mlp", epochs=6, start_epoch=2, period=2
    )
    page.locator(f".st-key-training_{job.id} [data-drawn]").wait_for(timeout=3 * PATIENCE)
    page.locator(f".st-key-open_{job.id} button").click(timeout=3 * PATIENCE)
    panel = page.locator(".st-key-run_panel")
    panel.get_by_text("FGE: training mlp on digits").wait_for()
    panel.locator("[data-drawn]").wait_for()
    kinds = [entry.kind for entry in list_checkpoints(app.home) if "-fge-" in entry.group]
    assert kinds == ["start", "between", "snapshot", "snapshot"]


def test_two_runs_are_joined_to_ensembles(page, app):
    page.goto(f"{app.url}/workbench?question=Do+they+help+each+other%3F&runs=run-1&runs=run-2")
    page.get_by_text("run-1: 1 snapshot · run-2: 1 snapshot").wait_for()
    page.locator(".st-key-run button").click()
    job = job_in(page, app)
    request = request_from_json(job.request_json)
    assert isinstance(request, EnsembleRequest)
    assert request.groups == ("run-1", "run-2")
    page.locator(f".st-key-open_{job.id} button").click(timeout=3 * PATIENCE)
    page.wait_for_selector(f"{FIGURE} .scatterlayer .trace", state="attached")
    summary = page.locator(".st-key-summary")
    assert "run-1 (1)" in summary.inner_text()


@pytest.fixture
def compared(app):
    """A comparison of the predictions of the runs' last checkpoints; they are not really theirs."""
    runs = [
        entry for entry in list_checkpoints(app.home) if entry.group.startswith("run-") and entry.step == 90
    ]
    entries = [(entry.digest, entry.reference) for entry in sorted(runs, key=lambda entry: entry.group)]
    return put_result(app.home, with_checkpoints_of(diversity_result(groups={"": 3}), entries))[:12]


def test_a_click_on_a_cell_leads_to_the_line_between_the_pair(page, app, compared):
    page.goto(f"{app.url}/?result={compared}")
    page.wait_for_selector(f"{FIGURE} .heatmaplayer", state="attached")
    page.wait_for_timeout(400)
    where = page.evaluate(
        """() => {
            const host = document.querySelector('.st-key-figure .landscape-plot');
            const box = host.querySelector('.nsewdrag').getBoundingClientRect();
            const { xaxis, yaxis } = host._fullLayout;
            return [box.left + xaxis.d2p(2), box.top + yaxis.d2p(0)];
        }"""
    )
    page.mouse.move(where[0] - 2, where[1])
    page.mouse.move(*where)
    page.wait_for_timeout(100)
    page.mouse.click(*where)
    page.locator(".st-key-readout").get_by_text("Disagreement", exact=True).wait_for()
    assert re.search(r"pair=0(%2C|,)2", page.url)
    page.locator(".st-key-line_between button").click()
    page.locator(".st-key-checkpoint_A").wait_for()
    page.get_by_text("Measuring").or_(page.get_by_text("measured.")).first.wait_for()
    chosen = [page.locator(f".st-key-checkpoint_{letter}").inner_text() for letter in "AB"]
    values = [page.locator(f".st-key-checkpoint_{letter} input").first.input_value() for letter in "AB"]
    assert ["run-1" in words + value for words, value in zip(chosen, values, strict=True)] == [True, False]
    assert ["run-3" in words + value for words, value in zip(chosen, values, strict=True)] == [False, True]
