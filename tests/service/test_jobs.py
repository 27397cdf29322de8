"""The queue without processes: states, one job per question, progress, verdicts on the dead."""

import time
from multiprocessing import get_context

import pytest

from landscape.core.errors import JobError
from landscape.core.requests import LineRequest, TrainRequest
from landscape.service import jobs as jobs_module
from landscape.service.claims import MOST_ATTEMPTS, Claims
from landscape.service.home import Home
from landscape.service.jobs import Jobs
from landscape.service.processes import ProcessIdentity


@pytest.fixture(autouse=True)
def no_runner(monkeypatch):
    starts = []
    monkeypatch.setattr(jobs_module, "start_runner", lambda home, options: starts.append(home))
    return starts


@pytest.fixture
def jobs(home):
    return Jobs(home)


@pytest.fixture
def claims(home):
    return Claims(home)


def _line(points=5, **fields):
    return LineRequest(checkpoints=("a", "b"), points=points, **fields)


def test_a_new_job_waits_and_a_runner_is_started(jobs, no_runner):
    request = _line()
    job = jobs.submit(request)
    assert (job.state, job.key, job.study, job.request_json) == (
        "waiting", request.key, "line", request.to_json(),
    )  # fmt: skip
    assert (job.done, job.total, job.eta, job.error, job.result, job.started) == (
        0,
        0,
        None,
        None,
        None,
        None,
    )
    assert jobs.find(job.id) == job
    assert jobs.find("nothing") is None
    assert len(no_runner) == 1


def test_the_same_request_is_the_same_job(jobs, claims):
    first = jobs.submit(_line())
    assert jobs.submit(_line()).id == first.id
    assert claims.claim().id == first.id
    assert jobs.submit(_line()).id == first.id
    assert jobs.submit(_line(6)).id != first.id
    assert [job.state for job in jobs.list()] == ["waiting", "running"]


def _submit_many(path, count):
    jobs_module.start_runner = lambda home, options: None
    return [Jobs(Home(path)).submit(_line(points=2 + number)).id for number in range(count)]


@pytest.mark.parametrize(("processes", "count"), [(3, 4), pytest.param(8, 100, marks=pytest.mark.prove)])
def test_processes_that_submit_the_same_get_the_same_jobs(home, processes, count):
    with get_context("spawn").Pool(processes) as pool:
        answers = pool.starmap(_submit_many, [(home.path, count)] * processes)
    assert len({tuple(answer) for answer in answers}) == 1
    assert len(Jobs(home).list()) == count


def _claim_all(path):
    claimed = []
    while claim := Claims(Home(path)).claim():
        claimed.append(claim.id)
    return claimed


def test_processes_that_claim_get_every_job_once(jobs, home):
    submitted = {jobs.submit(_line(points=2 + number)).id for number in range(12)}
    with get_context("spawn").Pool(3) as pool:
        claimed = [job for answer in pool.map(_claim_all, [home.path] * 3) for job in answer]
    assert len(claimed) == 12
    assert set(claimed) == submitted


def test_a_request_whose_result_exists_is_done_at_once(jobs, home, no_runner):
    request = _line()
    folder = home.result_folder(request.key)
    folder.mkdir(parents=True)
    (folder / "result.nc").write_bytes(b"a result")
    job = jobs.submit(request)
    assert (job.state, job.result) == ("done", folder / "result.nc")
    assert no_runner == []


def test_a_finished_training_is_done_at_once(jobs, home):
    request = TrainRequest(seed=3)
    folder = home.ensure().runs / "digits"
    folder.mkdir()
    (folder / "request.json").write_text(request.to_json())
    assert jobs.submit(request).state == "waiting"
    jobs.cancel(jobs.submit(request).id)
    (folder / "complete").touch()
    job = jobs.submit(request)
    assert (job.state, job.result) == ("done", folder)
    assert jobs.submit(TrainRequest(seed=4)).state == "waiting"


def test_a_done_job_whose_result_was_deleted_waits_again(jobs, claims, home):
    job = jobs.submit(_line())
    claims.claim()
    claims.finish(job.id, "done", result=home.path / "gone.nc")
    assert (jobs.find(job.id).state, jobs.find(job.id).result) == ("done", None)
    again = jobs.submit(_line())
    assert (again.id, again.state) == (job.id, "waiting")


def test_progress_and_a_measured_eta(jobs, claims, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    job = jobs.submit(_line())
    assert not jobs.report(job.id, 1, 10, "too early")
    claims.claim()
    clock[0] = 1005.0
    assert jobs.report(job.id, 0, 100, "loading")
    clock[0] = 1010.0
    assert jobs.report(job.id, 20, 100, "line")
    assert jobs.find(job.id).eta is None  # one point in time measures nothing
    clock[0] = 1014.0
    jobs.report(job.id, 40, 100, "line")
    found = jobs.find(job.id)
    assert (found.done, found.total, found.note, found.started) == (40, 100, "line", 1000.0)
    assert found.eta == pytest.approx(60 * 4 / 20)  # neither start-up nor the first 20 points count
    clock[0] = 1015.0
    assert jobs.find(job.id).eta == pytest.approx(11.0)
    clock[0] = 2000.0
    assert jobs.find(job.id).eta == 0.0


def test_the_eta_of_a_resumed_job_counts_only_its_own_points(jobs, claims, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    job = jobs.submit(_line())
    claims.claim()
    jobs.report(job.id, 50, 100)
    claims.finish(job.id, "cancelled")
    clock[0] = 500.0
    assert jobs.resume(job.id).state == "waiting"
    claims.claim()
    clock[0] = 510.0
    jobs.report(job.id, 51, 100)
    assert jobs.find(job.id).eta is None
    clock[0] = 512.0
    jobs.report(job.id, 52, 100)
    assert jobs.find(job.id).eta == pytest.approx(48 * 2)


def test_cancel_and_resume(jobs, claims):
    job = jobs.submit(_line())
    assert jobs.cancel(job.id).state == "cancelled"
    assert jobs.cancel(job.id).state == "cancelled"
    assert claims.claim() is None
    assert jobs.resume(job.id).state == "waiting"
    assert jobs.resume(job.id).state == "waiting"
    claims.claim()
    assert not claims.must_stop(job.id)
    assert jobs.cancel(job.id).state == "running"
    assert claims.must_stop(job.id)
    assert list(claims.cancel_times()) == [job.id]
    with pytest.raises(JobError, match="is just being stopped; wait a moment, then resume it"):
        jobs.resume(job.id)
    claims.finish(job.id, "cancelled")
    assert jobs.submit(_line()).state == "waiting"  # asking again is resuming
    claims.claim()
    assert not claims.must_stop(job.id)
    claims.finish(job.id, "failed", error="A sentence.")
    assert (jobs.find(job.id).state, jobs.find(job.id).error) == ("failed", "A sentence.")
    assert jobs.resume(job.id).error is None


def test_a_question_asked_again_while_its_job_stops_is_refused(jobs, claims):
    job = jobs.submit(_line())
    claims.claim()
    jobs.cancel(job.id)
    with pytest.raises(JobError, match=f"Job {job.id} is just being stopped; wait a moment, then resume it"):
        jobs.submit(_line())
    assert jobs.submit(_line(6)).state == "waiting"
    claims.finish(job.id, "cancelled")
    assert jobs.submit(_line()).state == "waiting"


def test_relative_references_are_meant_from_where_the_question_was_asked_last(
    jobs, claims, tmp_path, monkeypatch
):
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "first")
    job = jobs.submit(_line())
    assert claims.claim().folder == tmp_path / "first"
    claims.finish(job.id, "failed", error="There is no checkpoint.")
    monkeypatch.chdir(tmp_path / "second")
    jobs.submit(_line())
    assert claims.claim().folder == tmp_path / "second"
    claims.finish(job.id, "cancelled")
    monkeypatch.chdir(tmp_path / "third")
    jobs.resume(job.id)  # resuming asks nothing new
    assert claims.claim().folder == tmp_path / "second"


def test_a_finished_job_is_neither_cancelled_nor_resumed(jobs, claims):
    job = jobs.submit(_line())
    claims.claim()
    jobs.report(job.id, 3, 5)
    claims.finish(job.id, "done")
    claims.finish(job.id, "failed", error="too late")
    assert jobs.cancel(job.id).state == "done"
    assert jobs.resume(job.id).state == "done"
    assert jobs.find(job.id).done == 5
    assert claims.must_stop(job.id)


@pytest.mark.parametrize("action", ["cancel", "resume", "log"])
def test_an_unknown_job_is_one_sentence(jobs, action):
    with pytest.raises(JobError, match="There is no job 'nothing'; choose one from the list"):
        getattr(jobs, action)("nothing")


def test_the_log_shows_its_end(jobs):
    job = jobs.submit(_line())
    assert jobs.log(job.id) == ""
    jobs.log_file(job.id).write_bytes(b"x" * 200_000 + b"\xff the end")
    assert jobs.log(job.id).endswith("\ufffd the end")
    assert len(jobs.log(job.id)) < 70_000


def test_a_job_that_dies_without_progress_fails_after_three_attempts(jobs, claims):
    job = jobs.submit(_line())
    for _ in range(MOST_ATTEMPTS - 1):
        claims.claim()
        claims.bury(job.id, "its process was ended by SIGKILL")
        assert jobs.find(job.id).state == "waiting"
    claims.claim()
    claims.bury(job.id, "its process was ended by SIGKILL")
    found = jobs.find(job.id)
    assert found.state == "failed"
    assert found.error == (
        "The computation was ended 3 times without finishing anything new, last because its process was ended by "
        "SIGKILL; if memory is short, ask for fewer samples, then resume."
    )
    assert jobs.resume(job.id).state == "waiting"
    claims.claim()
    claims.bury(job.id, "again")
    assert jobs.find(job.id).state == "waiting"  # a resumed job has all its attempts


def test_a_job_that_gets_on_may_die_often(jobs, claims):
    job = jobs.submit(_line())
    for number in range(10):
        claims.claim()
        jobs.report(job.id, number + 1, 100)
        claims.bury(job.id, "x")
    assert jobs.find(job.id).state == "waiting"


def test_a_cancelled_job_that_dies_is_cancelled(jobs, claims):
    job = jobs.submit(_line())
    claims.claim()
    jobs.cancel(job.id)
    claims.bury(job.id, "x")
    assert jobs.find(job.id).state == "cancelled"


def test_a_used_again_process_number_is_not_mistaken(jobs, claims):
    import os

    me = ProcessIdentity.of(os.getpid())
    assert me.alive()
    stranger = ProcessIdentity(me.pid, me.created - 100)
    assert not stranger.alive()
    job = jobs.submit(_line())
    claims.claim()
    claims.own(job.id, stranger)
    claims.recover(grace=0.1)  # would end the test itself if it took us for the dead worker
    assert jobs.find(job.id).state == "waiting"


def test_a_list_with_unfinished_jobs_looks_for_a_runner(jobs, claims, no_runner):
    assert jobs.list() == []
    assert no_runner == []
    job = jobs.submit(_line())
    jobs.list()
    assert len(no_runner) == 2
    claims.claim()
    claims.finish(job.id, "done")
    jobs.list()
    assert len(no_runner) == 2


def test_newest_first(jobs):
    ids = [jobs.submit(_line(points=2 + number)).id for number in range(3)]
    assert [job.id for job in jobs.list()] == ids[::-1]
