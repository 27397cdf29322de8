"""What the app's own server does beside running the page: plotly.js, warm imports, unfinished jobs."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module, metadata, resources
from ipaddress import ip_address
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from landscape.core.errors import LandscapeError
from landscape.service.home import Home
from landscape.service.jobs import Jobs
from landscape.ui.errors import log_error

# plotly.js comes out of the installed plotly package: no copy in this repository, no request to another machine. The
# version in the address lets the browser keep it for good. Measured: 0.11 to 0.17 s for the browser's first request;
# inline in the component it would travel with every new figure instead (4.8 MB each).
PLOTLY_URL = f"/landscape/plotly-{metadata.version('plotly')}.min.js"
SCRIPT = Path(__file__).parent / "pages" / "main.py"


def routes() -> list[Route]:
    """The routes beside Streamlit's own."""
    return [Route(PLOTLY_URL, _send_plotly)]


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, object]]:
    """While the server runs: import what the first picture needs, go on with jobs that were left unfinished.

    Raises:
        LandscapeError: The server would listen on other machines' requests.
    """
    check_address(st.get_option("server.address"))
    threading.Thread(target=_prepare, name="prepare", daemon=True).start()
    yield {}


def check_address(address: str | None) -> None:
    """Refuse an address that other machines reach: whoever reaches the app can start programs and read weights.

    Raises:
        LandscapeError: The address is none of this machine's own.
    """
    try:
        local = address == "localhost" or ip_address(address or "").is_loopback
    except ValueError:
        local = False
    if not local:
        raise LandscapeError(
            f"The app would listen on {address or 'every address'}, where other machines reach it; start it with "
            "--server.address=127.0.0.1, and use ssh -L to look at it from elsewhere."
        )


async def _send_plotly(_request: Request) -> FileResponse:
    path = resources.files("plotly") / "package_data" / "plotly.min.js"
    return FileResponse(
        str(path),
        media_type="text/javascript",
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Encoding": "identity",  # on the way to the same machine, compressing takes longer than sending
        },
    )


def _prepare() -> None:
    for name in ("plotly.graph_objects", "landscape.core.files", "landscape.figures.screen"):
        import_module(name)
    try:
        Jobs(Home.default().ensure()).list()  # starts a runner if something waits for one
    except LandscapeError as error:
        log_error(error)  # the pages say it, too
