import json
import os
import time

import pytest

from landscape.core.requests import (
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    LineRequest,
    PlaneRequest,
    SearchRequest,
    TrainRequest,
)
from landscape.service.claims import Claims
from landscape.service.jobs import Jobs
from landscape.service.store import Store
from landscape.ui.job_words import describe
from tests.figures.synthetic import plane_result
from tests.ui.builders import put_run

REQUEST = LineRequest(checkpoints=("run-1@90", "run-2@90"), points=21)


@pytest.fixture
def jobs(home):
    return Jobs(home)


def start(jobs):
    """A job that runs, without a process."""
    job = jobs.submit(REQUEST)
    claim = Claims(jobs.home).claim()
    assert claim is not None
    assert claim.id == job.id
    return job


def test_no_jobs_yet(open_page):
    test = open_page("jobs")
    assert not test.exception
    assert "Nothing has been computed yet" in test.markdown[0].value


def test_a_running_job_shows_how_far_it_is_and_can_be_stopped(open_page, jobs):
    job = start(jobs)
    jobs.report(job.id, 5, 21)
    time.sleep(0.05)
    jobs.report(job.id, 10, 21)
    test = open_page("jobs")
    assert not test.exception
    assert "1 running" in test.caption[0].value
    assert test.progress[0].text.startswith("10 of 21 points · about")
    test.button(f"stop_{job.id}").click().run()
    assert test.progress[0].text == "Stopping after this chunk"
    assert Claims(jobs.home).must_stop(job.id)


def test_a_failed_job_shows_its_sentence_and_can_be_resumed(open_page, jobs):
    job = start(jobs)
    jobs.log_file(job.id).write_text("a line of the log\n")
    Claims(jobs.home).finish(job.id, "failed", error="There is no data set *x*; choose another.")
    test = open_page("jobs")
    assert r"There is no data set \*x\*; choose another\." in test.error[0].value
    assert test.code[0].value == "a line of the log"
    test.button(f"resume_{job.id}").click().run()
    assert not test.exception
    assert jobs.find(job.id).state == "waiting"


def test_a_finished_job_leads_to_its_picture(open_page, jobs):
    job = start(jobs)
    jobs.report(job.id, 21, 21)
    Claims(jobs.home).finish(job.id, "done", result=jobs.home.path)
    test = open_page("jobs")
    assert not test.exception
    assert test.button(f"open_{job.id}").label == "Open in Explore"
    assert "21 of 21 points in" in " ".join(caption.value for caption in test.caption)


def test_a_stopped_job_keeps_what_it_has(open_page, jobs):
    job = jobs.submit(REQUEST)
    jobs.cancel(job.id)
    test = open_page("jobs")
    assert test.progress[0].text == "Not begun"
    assert test.button(f"resume_{job.id}").label == "Resume"


def test_many_jobs_come_in_pages(open_page, jobs):
    for seed in range(13):
        jobs.submit(LineRequest(checkpoints=("a@1", "b@1"), points=3, sample_seed=seed))
    test = open_page("jobs")
    assert not test.exception
    assert "13 jobs" in test.caption[0].value
    assert len(test.progress) == 10


def test_a_finished_training_shows_its_curves(open_page, jobs, home):
    run = put_run(home.runs / "run-1")
    job = jobs.submit(run.request)  # done at once, as the run is there
    test = open_page("workbench", job=job.id)
    assert not test.exception
    (chart,) = test.get("bidi_component")
    assert "run-1: Learning rate" in chart.proto.json


def test_the_count_of_points_is_explained(open_page, jobs):
    start(jobs)
    test = open_page("jobs")
    assert "The count includes the checkpoints themselves" in " ".join(text.value for text in test.caption)


def test_the_picture_so_far_is_drawn(open_page, jobs, home):
    request = PlaneRequest(checkpoints=("a@1", "b@1", "c@1"), columns=9, rows=7)
    job = jobs.submit(request)
    Claims(home).claim()
    test = open_page("workbench", job=job.id)
    assert not test.exception
    assert not test.get("bidi_component")
    # The lead's compute answers under the key with digests and writes what it has beside where the result will lie.
    Store(home).link(job.key, "e" * 64)
    from landscape.core.files import save_result

    save_result(plane_result(), home.result_folder("e" * 64) / "partial.nc")
    test = open_page("workbench", job=job.id)
    assert not test.exception
    (chart,) = test.get("bidi_component")
    assert "Contour map of train loss" in chart.proto.json


CHECKPOINTS = ("run-1@40", "run-1@90", "run-2@40")
WORDS = [
    (TrainRequest(recipe="fge", epochs=40, seed=7, start_from="run-1@90"),
     "FGE: training convnet on digits", "40 epochs, nesterov, highest rate 0.1, seed 7, from run-1 · step 90"),
    (TrainRequest(recipe="independent", cycles=3, architecture="mlp", data="a/b.npz"),
     "Independent: training mlp on b.npz", "3 networks, 60 epochs each, nesterov, highest rate 0.1, seed 0"),
    (TrainRequest(recipe="single-cycle", optimizer="adam", learning_rate=1e-3),
     "Single cycle: training convnet on digits", "6 networks, 60 epochs in all, adam, highest rate 0.001, seed 0"),
    (SearchRequest(trials=9), "Search for settings: Standard, convnet on digits",
     "9 trials with highest learning rate, weight decay drawn, up to 60 epochs each"),
    (LineRequest(checkpoints=CHECKPOINTS[:2], points=21), "Line with 21 points", "run-1 · step 40, run-1 · step 90"),
    (FanRequest(checkpoints=CHECKPOINTS, groups=("a", "a", "a"), points=5),
     "Lines to the last snapshot, 5 points each", "a (3)"),
    (EnsembleRequest(checkpoints=CHECKPOINTS, groups=("a", "a", "b")), "Ensembles of 3 networks", "a (2), b (1)"),
    (DiversityRequest(checkpoints=(*CHECKPOINTS, "c@1", "d@2", "e@3")), "Mistakes of 6 networks compared",
     "run-1 · step 40, run-1 · step 90, run-2@40, c@1 and 2 more"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "title", "about"), WORDS, ids=[words[1] for words in WORDS])
def test_a_job_is_told_in_words(jobs, request_, title, about):
    names = {"run-1@40": "run-1 · step 40", "run-1@90": "run-1 · step 90"}
    assert describe(jobs.submit(request_), names) == (title, about)


def test_checkpoints_are_called_by_run_and_label(open_page, jobs, home):
    put_run(home.runs / "run-1", labels=("start", "snapshot 1", "snapshot 2"))
    references = tuple(f"{home.runs}/run-1@{step}" for step in (40, 90))
    jobs.submit(LineRequest(checkpoints=references, points=3))
    words = " ".join(text.value for text in open_page("jobs").caption).replace("\\", "")
    assert "run-1 · snapshot 1 (step 40), run-1 · snapshot 2 (step 90)" in words


def test_a_training_shows_its_curves_while_it_runs(open_page, jobs, home):
    request = TrainRequest(architecture="mlp", cycles=2, seed=5)
    job = jobs.submit(request)
    Claims(home).claim()
    test = open_page("workbench", job=job.id)
    assert not test.exception
    assert "as soon as the first steps are made" in " ".join(text.value for text in test.caption)
    put_run(home.runs / "run-5", request=request, complete=False)
    test = open_page("workbench", job=job.id)
    assert not test.exception
    assert "run-5: Learning rate" in charts(test)[0]["alt"]


def test_a_family_shows_the_network_that_is_worked_on(open_page, jobs, home):
    request = TrainRequest(architecture="mlp", recipe="independent", cycles=3)
    job = jobs.submit(request)
    Claims(home).claim()
    family = put_run(home.runs / "family", request=request, complete=False)
    (family.folder / "history.npz").unlink()
    for number in (1, 2):
        put_run(family.folder / "members" / f"member-{number}", seed=number, complete=False)
    os.utime(family.folder / "members" / "member-1" / "history.npz", (1e9, 1e9))
    test = open_page("workbench", job=job.id)
    assert not test.exception
    assert "Network 2 of 3" in " ".join(text.value for text in test.caption)
    assert charts(test)


def test_a_finished_training_leads_to_the_library(open_page, jobs, home, monkeypatch):
    run = put_run(home.runs / "run-1")
    job = jobs.submit(run.request)
    went = []
    monkeypatch.setattr("landscape.ui.job_view.go_to", lambda name, **query: went.append((name, query)))
    test = open_page("jobs")
    assert test.button(f"open_{job.id}").label == "Show in Library"
    test.button(f"open_{job.id}").click().run()
    assert went == [("library", {"run": "run-1"})]


@pytest.mark.parametrize(
    ("request_", "unit"),
    [
        (EnsembleRequest(checkpoints=CHECKPOINTS), "networks"),
        (SearchRequest(), "epochs"),
        (FanRequest(checkpoints=CHECKPOINTS), "points"),
        (TrainRequest(), "steps"),
    ],
)
def test_each_job_counts_what_it_makes(open_page, jobs, request_, unit):
    job = jobs.submit(request_)
    Claims(jobs.home).claim()
    jobs.report(job.id, 2, 9, "trial 3")
    (text,) = [bar.text for bar in open_page("jobs").progress]
    assert text.startswith(f"2 of 9 {unit}")
    assert ("trial 3" in text) == (unit in ("epochs", "steps"))


def charts(test):
    return [
        chart for chart in map(json.loads, (part.proto.json for part in test.get("bidi_component")))
        if chart["view"] != "plan"
    ]  # fmt: skip
