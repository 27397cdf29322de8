"""What the app's own server does beside running the page: plotly.js, warm imports, the job runner."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module, metadata, resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

# plotly.js comes out of the installed plotly package: no copy in this repository, no request to another machine. The
# version in the address lets the browser keep it for good.
PLOTLY_URL = f"/landscape/plotly-{metadata.version('plotly')}.min.js"
SCRIPT = Path(__file__).parent / "pages" / "main.py"

_log = logging.getLogger("landscape.ui")


def routes() -> list[Route]:
    """The routes beside Streamlit's own."""
    return [Route(PLOTLY_URL, _send_plotly)]


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, object]]:
    """While the server runs: import what the first picture needs, and see that somebody works on the jobs."""
    threading.Thread(target=_warm, name="warm", daemon=True).start()
    yield {}


async def _send_plotly(_request: Request) -> FileResponse:
    path = resources.files("plotly") / "package_data" / "plotly.min.js"
    return FileResponse(
        str(path),
        media_type="text/javascript",
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            # On the way to the same machine, compressing takes longer than sending.
            "Content-Encoding": "identity",
        },
    )


def _warm() -> None:
    for name in ("plotly.graph_objects", "landscape.core.files", "landscape.figures"):
        import_module(name)
