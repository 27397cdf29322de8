"""The same for every result: `draw` picks the figure that fits."""

import plotly.graph_objects as go
import xarray as xr

from landscape.core.results import check_result
from landscape.figures.screen_line import draw_line
from landscape.figures.screen_plane import draw_contour
from landscape.figures.screen_surface import draw_surface
from landscape.figures.style import FigureStyle

_FIGURES = {
    ("line", "contour"): draw_line,
    ("line", "surface"): draw_line,
    ("plane", "contour"): draw_contour,
    ("plane", "surface"): draw_surface,
}


def draw(result: xr.Dataset, style: FigureStyle | None = None) -> go.Figure:
    """A plotly figure of a line or plane result, complete or not.

    Raises:
        ResultError: The dataset is not a result of ours.
    """
    style = style or FigureStyle()
    checked = check_result(result)
    return _FIGURES[checked.attrs["study"], style.view](checked, style)
