"""The same for every result: `draw` picks the figure that fits."""

from collections.abc import Callable
from typing import assert_never

import plotly.graph_objects as go
import xarray as xr

from landscape.core.results import check_result
from landscape.figures.screen_diversity import draw_diversity
from landscape.figures.screen_ensemble import draw_ensemble
from landscape.figures.screen_fan import draw_fan
from landscape.figures.screen_line import draw_line
from landscape.figures.screen_plane import draw_contour
from landscape.figures.screen_search import draw_search
from landscape.figures.screen_surface import draw_surface
from landscape.figures.style import FigureStyle, usual_style


def draw(result: xr.Dataset, style: FigureStyle | None = None) -> go.Figure:
    """A plotly figure of any result, complete or not.

    Raises:
        ResultError: The dataset is not a result of ours.
    """
    checked = check_result(result)
    return _FIGURES[checked.attrs["study"]](checked, style or usual_style(checked.attrs["study"]))


def _draw_plane(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    match style.view:
        case "contour":
            return draw_contour(result, style)
        case "surface":
            return draw_surface(result, style)
        case _:
            assert_never(style.view)


_FIGURES: dict[str, Callable[[xr.Dataset, FigureStyle], go.Figure]] = {
    "line": draw_line,
    "plane": _draw_plane,
    "fan": draw_fan,
    "ensemble": draw_ensemble,
    "diversity": draw_diversity,
    "search": draw_search,
}
