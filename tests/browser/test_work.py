import re
import time

import psutil
import torch

from landscape.core.files import load_result
from landscape.core.results import is_complete, self_check
from landscape.networks.architectures import build_network
from landscape.service.jobs import Jobs
from landscape.service.store import Store
from tests.browser.conftest import PATIENCE


class Exploit:
    def __reduce__(self):
        return print, ("never",)


def test_a_file_of_plain_weights_comes_in_and_one_that_needs_code_does_not(page, app, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = build_network("convnet", (1, 8, 8), 10)
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}},
        tmp_path / "mine.pt",
    )
    torch.save({"weights": Exploit()}, tmp_path / "bad.pth")
    page.goto(f"{app.url}/library")
    heading = page.get_by_role("heading", name=re.compile(r"\d+ checkpoints"))
    before = int(heading.inner_text().split()[0])
    chooser = page.locator("[data-testid=stFileUploader] input[type=file]")
    chooser.set_input_files([tmp_path / "mine.pt", tmp_path / "bad.pth"])
    page.get_by_text(re.compile(r"mine\.pt is in the library: convnet, [\d,]+ parameters")).wait_for()
    assert page.get_by_text(re.compile(r"bad\.pth.+cannot be used: ")).is_visible()
    assert page.get_by_text("Something went wrong").count() == 0
    page.reload()
    page.get_by_role("heading", name=f"{before + 1} checkpoints").wait_for()


def ask_for_a_plane(page, app):
    page.goto(f"{app.url}/workbench?question=Plane+through+three")
    page.get_by_text("measured.").wait_for()
    page.get_by_text("Advanced").click()
    # At least three chunks on any machine, and not too long on a busy one.
    for name, value in {
        "Columns": "31",
        "Rows": "21",
        "Training images": "128",
        "Test images": "128",
    }.items():
        field = page.get_by_label(name, exact=True)
        field.fill(value)
        field.press("Enter")
        page.wait_for_timeout(600)
    page.locator(".st-key-run button").click()
    page.wait_for_url(re.compile("job="))
    return re.search(r"job=(\w+)", page.url)[1]


def test_a_plane_is_run_killed_resumed_and_finished(page, app):
    job_id = ask_for_a_plane(page, app)
    jobs, store = Jobs(app.home), Store(app.home)

    def folder():
        return app.home.result_folder(store.follow(jobs.find(job_id).key))

    def chunks():
        return {path.name: path.stat().st_mtime_ns for path in (folder() / "chunks").iterdir()}

    worker = until(lambda: worker_of(app.home, job_id))
    until(lambda: (folder() / "partial.nc").exists())
    worker.suspend()  # so that what follows does not depend on how fast this machine is
    page.locator(f".st-key-picture_{job_id} [data-drawn]").wait_for()
    assert jobs.find(job_id).state == "running"
    worker.kill()  # SIGKILL: it can do nothing more
    worker.wait(10)
    kept = chunks()
    assert kept

    # The runner takes a killed job up again by itself; one that it gave up, or that is stopped, is resumed by hand.
    again = until(lambda: worker_of(app.home, job_id))
    again.suspend()
    page.locator(f".st-key-stop_{job_id} button").click()
    page.get_by_text("Stopping after this chunk").wait_for()
    again.resume()
    resume = page.locator(
        f".st-key-resume_{job_id} button"
    ).first  # one with a tooltip, one for small screens
    resume.wait_for()
    assert kept.items() <= chunks().items(), "no finished chunk was computed again"
    resume.click()

    page.locator(f".st-key-open_{job_id} button").wait_for(timeout=3 * PATIENCE)
    key = folder().name
    result = load_result(store.find(key))
    assert is_complete(result)
    assert result["nll"].shape == (2, 21, 31)
    assert self_check(result) < 1e-3
    page.locator(f".st-key-open_{job_id} button").click()
    page.get_by_role("heading", name=re.compile("Plane through")).wait_for()
    page.wait_for_selector(".st-key-figure [data-drawn] .contourlayer path", state="attached")
    assert f"result={key[:12]}" in page.url
    page.goto(f"{app.url}/jobs")
    page.locator(f".st-key-job_{job_id}").get_by_text("Done").first.wait_for()


def worker_of(home, job_id):
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "landscape.service.worker" in line and job_id in line and str(home.path) in line:
            return process
    return None


def until(condition, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")
