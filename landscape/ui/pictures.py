"""Results and figures as the pages need them: read once, drawn once per style, kept for all readers.

The caches are keyed by path and time of change, so a file that is written anew is read anew. What they hold is shared
by all sessions and never changed.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import xarray as xr

from landscape.core.files import load_result
from landscape.figures import FigureStyle, alt_text, caption, draw
from landscape.service.home import RESULT_FILE
from landscape.service.result_files import load_checked
from landscape.ui.chart import HEIGHT, Probe
from landscape.ui.pairs import DrawnPairs, find_pairs
from landscape.ui.probe import interpolate

_POST = 0.35  # ours: length of the post of a clicked point, as a fraction of the surface's height
_TOP = 48  # pixels: room for the line of conditions, where no title stands above it


@dataclass(frozen=True)
class Drawing:
    """A drawn figure with its words.

    Attributes:
        json: The figure as plotly JSON.
        alt: A sentence for people who do not see it.
        caption: Sentences under it, plain text.
        surface: Axes and heights of the surface, if it is one: x (C,), y (R,), heights (R, C).
        pairs: What belongs to pairs of checkpoints.
        height: How high it should be, in pixels; with many panels it is higher.
    """

    json: str
    alt: str
    caption: str
    surface: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    pairs: DrawnPairs
    height: int


def dark_theme() -> bool:
    """Whether this reader's browser shows the dark theme."""
    return st.context.theme.type == "dark"


def read_result(path: Path) -> xr.Dataset:
    """The result in a file; not to be changed.

    Raises:
        ResultError: It is missing or damaged.
    """
    return _read(path, _stamp(path))


def draw_result(path: Path, style: FigureStyle) -> Drawing:
    """The result in a file, drawn.

    Raises:
        ResultError: It is missing or damaged.
    """
    return _draw(path, _stamp(path), style)


def probe_of(drawing: Drawing, result: xr.Dataset, place: tuple[float, float] | None) -> Probe | None:
    """The mark of a clicked place; None where a surface has no height."""
    if place is None:
        return None
    x, y = place
    if result.attrs["study"] == "line":
        return {"kind": "line", "x": x, "y": y, "z": None, "top": None}
    if drawing.surface is None:
        return {"kind": "contour", "x": x, "y": y, "z": None, "top": None}
    columns, rows, heights = drawing.surface
    height = interpolate(columns, rows, heights, x, y)
    if np.isnan(height):
        return None
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    return {"kind": "surface", "x": x, "y": y, "z": height, "top": height + _POST * (high - low)}


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@functools.lru_cache(maxsize=16)
def _read(path: Path, _modified: int) -> xr.Dataset:
    # A stored result has a checksum; what is still being computed has none, and lies in the same folder.
    return load_checked(path) if path.name == RESULT_FILE else load_result(path)


@functools.lru_cache(maxsize=64)
def _draw(path: Path, modified: int, style: FigureStyle) -> Drawing:
    result = _read(path, modified)
    figure = draw(result, style)
    if style.title == "":
        figure.update_layout(margin_t=_TOP)
    return Drawing(
        json=str(figure.to_json()),
        alt=alt_text(result, style),
        caption=caption(result, style),
        surface=_surface(figure),
        pairs=find_pairs(figure, result),
        height=HEIGHT if result.attrs["study"] in ("line", "plane") else int(figure.layout.height or HEIGHT),
    )


def _surface(figure: go.Figure) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    for trace in figure.data:
        if isinstance(trace, go.Surface):
            return np.asarray(trace.x, float), np.asarray(trace.y, float), np.asarray(trace.z, float)
    return None
