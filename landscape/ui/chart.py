"""The chart of the app: one Plotly div that keeps zoom and camera and reports a click anywhere.

`st.plotly_chart` puts a new div on the page for every new figure, so a turned surface turns back when the clip changes,
and it reports no click on a contour or a surface. This component (chart.js) does both with plotly.js itself, which the
app's own server hands out from the installed plotly package (`landscape.ui.server`).
"""

from pathlib import Path
from typing import Literal, NamedTuple, TypedDict

import streamlit as st
from streamlit.components.v2 import component

from landscape.ui.server import PLOTLY_URL

HEIGHT = 600  # pixels; a narrow window makes it lower (chart.css)

_FOLDER = Path(__file__).parent
_HTML = """
<div class="landscape-chart" role="figure">
  <img class="landscape-poster" alt="">
  <div class="landscape-plot"></div>
  <div class="landscape-note" role="status" hidden></div>
</div>
"""

_component = component(
    "landscape_chart",
    html=_HTML,
    css=(_FOLDER / "chart.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "chart.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # Plotly measures its text in the document, outside any shadow root
)


class Probe(TypedDict):
    """The marked place, in the coordinates of the figure's axes.

    On a surface z is its height there, and top the height at which its post ends; elsewhere both are None.
    """

    kind: Literal["line", "contour", "surface"]
    x: float
    y: float
    z: float | None
    top: float | None


class CellProbe(TypedDict):
    """The marked cell of a matrix."""

    kind: Literal["cell"]
    panel: int
    row: int
    column: int


class CurveProbe(TypedDict):
    """The marked curve: its place among the figure's traces."""

    kind: Literal["curve"]
    trace: int


AnyProbe = Probe | CellProbe | CurveProbe


class Click(NamedTuple):
    """Where the reader clicked, in the data coordinates of a panel (0 where there is but one)."""

    x: float
    y: float
    panel: int = 0


def show_chart(
    figure: str,
    *,
    key: str,
    view: str,
    alt: str,
    probe: AnyProbe | None = None,
    poster: str | None = None,
    height: int = HEIGHT,
) -> Click | None:
    """Show a figure and return the click that caused this run of the page, if one did.

    Args:
        figure: The figure as plotly JSON; its size is ignored, it fills its slot.
        key: Key of the element: the same key is the same div.
        view: Name under which the browser keeps zoom and camera, shared by all figures of one result.
        alt: A sentence that stands for the figure where it cannot be seen.
        probe: The place to mark.
        poster: Address of a picture to show until the live figure stands, as a data URL.
        height: Height of the slot in pixels.
    """
    with st.container(key=key):  # a container's element is named after its key, a component's is not
        shown = _component(
            key=f"{key}_chart",
            data={
                "figure": figure,
                "view": view,
                "alt": alt,
                "probe": probe,
                "poster": poster,
                "height": height,
                "library": PLOTLY_URL,
            },
            on_clicked_change=_nothing,
        )
    clicked = shown.clicked
    return Click(float(clicked["x"]), float(clicked["y"]), int(clicked["panel"])) if clicked else None


def _nothing() -> None:
    """Streamlit reports a trigger only where a callback is named."""
