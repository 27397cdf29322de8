"""The same for every result: `draw_print` picks the figure that fits."""

from collections.abc import Callable
from typing import assert_never

import xarray as xr
from matplotlib.figure import Figure

from landscape.core.results import check_result
from landscape.figures.print_diversity import draw_diversity_print
from landscape.figures.print_ensemble import draw_ensemble_print
from landscape.figures.print_fan import draw_fan_print
from landscape.figures.print_frame import print_settings
from landscape.figures.print_line import draw_line_print
from landscape.figures.print_plane import draw_contour_print
from landscape.figures.print_search import draw_search_print
from landscape.figures.print_surface import draw_surface_print
from landscape.figures.style import FigureStyle, usual_style


def draw_print(result: xr.Dataset, style: FigureStyle | None = None) -> Figure:
    """A matplotlib figure of any result, complete or not; pyplot knows nothing of it.

    Raises:
        ResultError: The dataset is not a result of ours.
    """
    checked = check_result(result)
    style = style or usual_style(checked.attrs["study"])
    with print_settings(dark=style.dark):
        return _FIGURES[checked.attrs["study"]](checked, style)


def _draw_plane_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    match style.view:
        case "contour":
            return draw_contour_print(result, style)
        case "surface":
            return draw_surface_print(result, style)
        case _:
            assert_never(style.view)


_FIGURES: dict[str, Callable[[xr.Dataset, FigureStyle], Figure]] = {
    "line": draw_line_print,
    "plane": _draw_plane_print,
    "fan": draw_fan_print,
    "ensemble": draw_ensemble_print,
    "diversity": draw_diversity_print,
    "search": draw_search_print,
}
