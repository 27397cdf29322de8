"""The same for every result: `draw_print` picks the figure that fits."""

import xarray as xr
from matplotlib.figure import Figure

from landscape.core.results import check_result
from landscape.figures.print_frame import print_settings
from landscape.figures.print_line import draw_line_print
from landscape.figures.print_plane import draw_contour_print
from landscape.figures.print_surface import draw_surface_print
from landscape.figures.style import FigureStyle

_FIGURES = {
    ("line", "contour"): draw_line_print,
    ("line", "surface"): draw_line_print,
    ("plane", "contour"): draw_contour_print,
    ("plane", "surface"): draw_surface_print,
}


def draw_print(result: xr.Dataset, style: FigureStyle | None = None) -> Figure:
    """A matplotlib figure of a line or plane result, complete or not; pyplot knows nothing of it.

    Raises:
        ResultError: The dataset is not a result of ours.
    """
    style = style or FigureStyle()
    checked = check_result(result)
    with print_settings(dark=style.dark):
        return _FIGURES[checked.attrs["study"], style.view](checked, style)
