"""Seconds from opening the app's address in a fresh browser to the poster, and to the live figure in its place.

Needs Debian's Chromium; without it nothing is measured. The floor is what the browser must fetch and run before it can
show anything: Streamlit's own page and script, then plotly.js.
"""

import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.record import spread, write_record
from landscape.service.launch import command

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)


def main(quick: bool = False) -> None:
    """Open the app several times, each in a browser context of its own, and write the record."""
    if not CHROMIUM.exists():
        print(f"There is no {CHROMIUM}; nothing is measured.")
        return
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {"poster": [], "live figure": []}
    with tempfile.TemporaryDirectory() as home, _server(home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for number in range(3 if quick else 6):
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(address)
            page.wait_for_function(
                "performance.getEntriesByName('landscape-poster').length > 0", timeout=60_000
            )
            poster = time.perf_counter() - start
            page.wait_for_function(
                "performance.getEntriesByName('landscape-drawn').length > 0", timeout=60_000
            )
            if number > 0:  # the first pays for the server's own imports
                times["poster"].append(poster)
                times["live figure"].append(time.perf_counter() - start)
            context.close()
        browser.close()
    rows = [{"what": what, "unit": "seconds"} | spread(seconds) for what, seconds in times.items()]
    write_record("first_picture", rows, device="cpu")
    for row in rows:
        print(row)


@contextmanager
def _server(home: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment, quiet = {**os.environ, "LANDSCAPE_HOME": home}, subprocess.DEVNULL
    process = subprocess.Popen(command(port), env=environment, stdout=quiet, stderr=quiet)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(address, timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The app did not start; run `python -m landscape app` to see why.")


if __name__ == "__main__":
    main()
