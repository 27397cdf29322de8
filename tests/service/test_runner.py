"""Real processes: a runner, its workers, and what happens when either is killed."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from multiprocessing import get_context

import numpy as np
import psutil
import pytest

from landscape.core.errors import StoreError
from landscape.core.requests import LineRequest
from landscape.service import jobs as jobs_module
from landscape.service.claims import Claims
from landscape.service.home import Home
from landscape.service.jobs import Jobs
from landscape.service.locks import is_locked
from landscape.service.processes import EXIT_DISK_FULL
from landscape.service.runner import RESERVE_FILE, Runner, _keep_reserve
from landscape.service.starting import RunnerOptions
from tests.service import standin

PATIENCE = 60.0  # for a busy machine; nothing waits that long by design


@pytest.fixture
def open_jobs(home):
    """Jobs of one home with a stand-in computation; at the end no process of theirs is left."""

    def open_with(function="compute", grace_seconds=0.3, **options):
        computer = f"tests.service.standin:{function}"
        return Jobs(home, RunnerOptions(computer=computer, grace_seconds=grace_seconds, **options))

    yield open_with
    (home.jobs / "runner.lock").unlink(missing_ok=True)  # a runner whose home is gone ends
    _wait(lambda: not _processes(home), "no process is left", kill=home)


def _processes(home: Home, module: str = "landscape.service.") -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if any(part.startswith(module) for part in command) and str(home.path) in command:
                found.append(process)
    return found


def _wait(condition, what, kill=None):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            for process in _processes(kill) if kill else []:
                process.kill()
            pytest.fail(f"waited in vain until {what}")
        time.sleep(0.02)


def _reach(jobs, job_id, *states):
    """Look at the list again and again, as the page does, until the job is in one of the states."""

    def find():
        return next(job for job in jobs.list() if job.id == job_id)

    _wait(lambda: find().state in states, f"the job is {states}; it is {find()}")
    return find()


def _request(points=6, milliseconds=0):
    return LineRequest(checkpoints=("a", "b"), points=points, sample_seed=milliseconds)


def _computed(home):
    path = home.path / "computed.txt"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def _check_result(job, points):
    assert job.state == "done"
    np.testing.assert_array_equal(
        np.frombuffer(job.result.read_bytes()), [standin.value(index) for index in range(points)]
    )


def _kill(home, module):
    for process in _processes(home, module):
        with contextlib.suppress(psutil.Error):
            process.kill()


def test_a_job_runs_to_its_end_and_the_runner_goes_when_idle(home, open_jobs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong module')")
    jobs = open_jobs("look_around", idle_seconds=0.5)
    job = jobs.submit(_request())
    done = _reach(jobs, job.id, "done", "failed")
    _check_result(done, 6)
    assert (done.done, done.total, done.error) == (6, 6, None)
    assert done.created <= done.started <= done.finished
    assert '"points":6' in jobs.log(job.id)
    folder, niceness, threads, safe, unsafe = (home.path / "seen.txt").read_text().split("\n")
    assert folder == str(tmp_path)  # references in a request are meant from where it was submitted
    assert int(niceness) > 0
    assert 1 <= int(threads) <= (os.cpu_count() or 1)
    assert (safe, unsafe) == ("1", "None")
    assert jobs.submit(_request()).state == "done"
    _wait(lambda: not is_locked(home.jobs / "runner.lock"), "the runner has gone")


def test_killed_workers_lose_nothing(home, open_jobs):
    jobs = open_jobs()
    job = jobs.submit(_request(points=9, milliseconds=60))
    for chunks in (2, 5):
        _wait(lambda chunks=chunks: len(_computed(home)) >= chunks, "some chunks are there")
        _kill(home, "landscape.service.worker")
    _check_result(_reach(jobs, job.id, "done", "failed"), 9)
    assert max(Counter(_computed(home)).values()) == 1
    # A kill may hit between the chunk's rename and the note that it was computed.
    assert len(_computed(home)) >= 7


def test_a_killed_runner_leaves_no_orphan_and_the_next_goes_on(home, open_jobs):
    jobs = open_jobs()
    job = jobs.submit(_request(points=9, milliseconds=60))
    _wait(lambda: len(_computed(home)) >= 2, "some chunks are there")
    _kill(home, "landscape.service.runner")
    _wait(lambda: not _processes(home), "the orphan has ended")
    assert jobs.find(job.id).state == "running"  # nobody is there to say otherwise
    assert jobs.list()[0].id == job.id  # the page that lists the jobs brings a new runner
    _check_result(_reach(jobs, job.id, "done", "failed"), 9)
    assert max(Counter(_computed(home)).values()) == 1


def test_runner_and_worker_killed_together(home, open_jobs):
    jobs = open_jobs()
    job = jobs.submit(_request(points=7, milliseconds=60))
    _wait(lambda: len(_computed(home)) >= 2, "some chunks are there")
    _kill(home, "landscape.service.")
    _check_result(_reach(jobs, job.id, "done", "failed"), 7)


def test_a_running_job_is_cancelled_between_chunks_and_resumed(home, open_jobs):
    jobs = open_jobs(grace_seconds=30.0)
    first = jobs.submit(_request(points=8, milliseconds=60))
    second = jobs.submit(_request(points=5))
    _wait(lambda: len(_computed(home)) >= 2, "some chunks are there")
    assert jobs.find(second.id).state == "waiting"  # one at a time
    jobs.cancel(second.id)
    jobs.cancel(first.id)
    cancelled = _reach(jobs, first.id, "cancelled", "failed")
    assert (cancelled.state, cancelled.error) == ("cancelled", None)
    assert 2 <= len(_computed(home)) < 8
    jobs.resume(first.id)
    _check_result(_reach(jobs, first.id, "done", "failed"), 8)
    assert sorted(_computed(home)) == list(range(8))
    assert jobs.find(second.id).state == "cancelled"


def test_a_job_that_does_not_listen_is_killed(home, open_jobs):
    jobs = open_jobs("hang")
    job = jobs.submit(_request())
    _wait(lambda: (home.path / "hanging").exists(), "it hangs")
    jobs.cancel(job.id)
    assert _reach(jobs, job.id, "cancelled", "failed").state == "cancelled"


def test_a_job_that_always_dies_fails_after_three_attempts(home, open_jobs):
    jobs = open_jobs("die")
    job = _reach(jobs, jobs.submit(_request()).id, "failed", "done")
    assert (
        "was ended 3 times without finishing anything new, last because its process was ended by SIGKILL"
        in str(job.error)
    )
    assert (home.path / "deaths.txt").read_text() == "died\n" * 3


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("refuse", "There is no such data; choose another."),
        ("break_down", "The computation stopped with an unexpected ZeroDivisionError; the job's log has the details."),
        ("run_out_of_memory", "The memory of this machine does not suffice; ask for fewer samples"),
        ("run_out_of_device_memory", "The memory of the graphics card does not suffice; ask for fewer samples"),
        ("run_out_of_device_memory_in_words", "The memory of the graphics card does not suffice; ask for fewer"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence_and_the_log_has_the_rest(open_jobs, function, sentence):
    jobs = open_jobs(function)
    job = _reach(jobs, jobs.submit(_request()).id, "failed", "done")
    assert str(job.error).startswith(sentence)
    assert "Traceback" in jobs.log(job.id)


def test_a_full_disk_fails_with_its_sentence_and_resumes(home, open_jobs):
    jobs = open_jobs("fill_the_disk")
    job = _reach(jobs, jobs.submit(_request()).id, "failed", "done")
    assert (
        job.error == "The disk that holds /x is full; free some space and resume, nothing computed is lost."
    )
    (home.path / "space").touch()
    jobs.resume(job.id)
    _check_result(_reach(jobs, job.id, "done", "failed"), 6)


def test_on_a_full_disk_the_reserve_is_where_the_failure_is_written(home, monkeypatch):
    monkeypatch.setattr(jobs_module, "start_runner", lambda home, options: None)
    jobs, claims = Jobs(home), Claims(home)
    job = jobs.submit(_request())
    claims.claim()
    runner = Runner(home, jobs.options, outcomes={job.id: EXIT_DISK_FULL}, recovered=True)
    _keep_reserve(home)
    reserve = home.jobs / RESERVE_FILE
    assert reserve.stat().st_size > 200_000
    finish = Claims.finish

    def finish_if_there_is_room(claims, *arguments, **options):
        if reserve.exists():
            raise StoreError("The disk is full.")
        finish(claims, *arguments, **options)

    monkeypatch.setattr(Claims, "finish", finish_if_there_is_room)
    assert not runner.advance(claims)
    assert runner.advance(claims)
    assert jobs.find(job.id).error == (
        f"The disk that holds {home.path} is full; free some space and resume, nothing computed is lost."
    )


def test_a_lost_index_stops_the_worker_and_the_job_can_be_resumed(home, open_jobs):
    jobs = open_jobs()
    jobs.submit(_request(points=30, milliseconds=60))
    _wait(lambda: len(_computed(home)) >= 2, "some chunks are there")
    home.index.write_bytes(b"not a database" * 1000)
    (job,) = jobs.list()
    assert job.state == "cancelled"
    _wait(lambda: not _processes(home, "landscape.service.worker"), "the worker has stopped")
    before = len(_computed(home))
    assert before < 30
    jobs.resume(job.id)
    _check_result(_reach(jobs, job.id, "done", "failed"), 30)


def test_two_slots_compute_two_jobs_at_once(home, open_jobs):
    jobs = open_jobs(slots=2, grace_seconds=30.0)
    ids = [jobs.submit(_request(points=400 + extra, milliseconds=50)).id for extra in range(3)]
    _wait(lambda: [jobs.find(i).state for i in ids] == ["running", "running", "waiting"], "two run")
    for job_id in reversed(ids):
        jobs.cancel(job_id)
    assert {_reach(jobs, i, "cancelled", "failed", "done").state for i in ids} == {"cancelled"}


def test_a_runner_that_cannot_start_is_one_sentence(open_jobs, monkeypatch):
    from landscape.core.errors import JobError
    from landscape.service import starting

    with pytest.raises(JobError, match=r"the process that runs jobs stops at once; .*runner.log says why"):
        open_jobs(idle_seconds="never").ensure_runner()
    monkeypatch.setenv("LANDSCAPE_JOBS", "many")
    with pytest.raises(JobError, match="LANDSCAPE_JOBS is 'many'; give the number of jobs to run at a time"):
        starting._slots_from_environment()


def _submit_and_end(path, options, request_json):
    from landscape.core.requests import request_from_json

    Jobs(Home(path), options).submit(request_from_json(request_json))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_app_does_not_touch_the_job(home, open_jobs):
    jobs = open_jobs()
    request = _request(points=6, milliseconds=60)
    app = get_context("spawn").Process(
        target=_submit_and_end, args=(home.path, jobs.options, request.to_json())
    )
    app.start()
    app.join()
    assert app.exitcode == -signal.SIGKILL
    (job,) = jobs.list()
    _check_result(_reach(jobs, job.id, "done", "failed"), 6)


@pytest.mark.prove
@pytest.mark.parametrize(
    "what", ["landscape.service.worker", "landscape.service.runner", "landscape.service."]
)
def test_many_kills_lose_nothing_and_leave_no_orphans(home, open_jobs, what):
    jobs, kills, points = open_jobs(), 20, 250
    generator = random.Random(what)
    job = jobs.submit(_request(points=points, milliseconds=25))
    for _ in range(kills):
        before = len(_computed(home))
        _wait(
            lambda before=before: jobs.list()[0].state == "done" or len(_computed(home)) > before,
            "it goes on",
        )
        time.sleep(generator.random() * 0.3)
        _kill(home, what)
        jobs.list()
    _check_result(_reach(jobs, job.id, "done", "failed"), points)
    counts = Counter(_computed(home))
    assert max(counts.values()) == 1  # no acknowledged chunk was computed twice
    assert points - len(counts) <= kills  # killed between rename and note
