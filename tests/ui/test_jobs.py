import time

import pytest

from landscape.core.requests import LineRequest, PlaneRequest
from landscape.service.claims import Claims
from landscape.service.jobs import Jobs
from landscape.service.store import Store
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
    assert "over the steps of the run run-1" in chart.proto.json


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
