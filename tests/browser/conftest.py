"""The real app in a real browser: a server on a free port with a home of its own, and no request but to that server."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest

from landscape.figures import FigureStyle, save_figure
from landscape.service.home import Home
from landscape.service.launch import command
from landscape.service.pretrained import Index, load_index, save_index
from tests.figures.synthetic import basins, line_result, plane_result
from tests.ui.builders import put_run, put_shipped

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000  # milliseconds; the machine that runs the tests may be busy


@dataclass(frozen=True)
class App:
    """The running app."""

    url: str
    home: Home
    port: int


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one server, one browser
            item.add_marker(pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("browser")
    home = Home(folder / "home").ensure()
    for seed in (1, 2, 3):
        put_run(home.runs / f"run-{seed}", architecture="convnet", seed=seed, steps=(0, 90))
    shipped = _examples(folder / "shipped")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "LANDSCAPE_HOME": str(home.path),
        "LANDSCAPE_PRETRAINED": str(shipped),
        "OMP_NUM_THREADS": "1",
    }
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command(port), env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield App(f"http://127.0.0.1:{port}", home, port)
    finally:
        server.terminate()
        server.wait(20)
        _end_runner(home)


@pytest.fixture(scope="module")
def chromium():
    # Playwright keeps an event loop running in this process, in which no other test could start its own: end it here.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, app):
    """A fresh page. Whatever it asks for must be this server's, and no script may fail."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    asked, failures = [], []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    own = (app.url, f"ws://127.0.0.1:{app.port}", "data:", f"blob:{app.url}")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []
    assert failures == []


def _examples(folder: Path) -> Path:
    results = {
        "three": plane_result(
            columns=25, rows=21, nll=basins, labels=("w1", "w2", "w3"), title="Three valleys"
        ),
        "two": line_result(points=35, labels=("w1", "w2"), title="From w1 to w2"),
    }
    put_shipped(folder, results)
    index = load_index(folder)
    records = []
    for record in index.results:
        posters = {}
        for theme in ("light", "dark"):
            posters[theme] = f"{record.id}/{theme}.webp"
            save_figure(results[record.id], folder / posters[theme], FigureStyle(dark=theme == "dark"))
        records.append(msgspec.structs.replace(record, poster=posters))
    save_index(Index(results=tuple(records)), folder)
    return folder


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            opener.open(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError("the app did not start")


def _end_runner(home: Home) -> None:
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "landscape.service.runner" in line and str(home.path) in line:
            family = [*process.children(recursive=True), process]
            for member in family:
                with contextlib.suppress(psutil.Error):
                    member.kill()
            psutil.wait_procs(family, timeout=10)
