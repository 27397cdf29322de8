"""Several panels in one matplotlib figure."""

import textwrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figures.groups import Grid
from landscape.figures.marks import escape_print
from landscape.figures.print_frame import new_figure
from landscape.figures.profile import ProfileAxis
from landscape.figures.style import FigureStyle
from landscape.figures.texts import conditions, title

_TITLE = 0.22  # inches above each row of panels


def panel_figure(
    result: xr.Dataset,
    style: FigureStyle,
    titles: list[str],
    *,
    grid: Grid,
    height: float,
    below: float = 0.45,
) -> tuple[Figure, list[Axes]]:
    """An empty figure with one pair of axes per panel, in their order.

    Args:
        result: Gives the title above and the conditions under it.
        style: How to draw.
        titles: The panels' titles, escaped and wrapped here; "" for none.
        grid: Where the panels stand.
        height: Of one panel, in inches.
        below: Inches under all panels.
    """
    body = grid.rows * (height + (_TITLE if any(titles) else 0.05) + 0.12) + below
    figure = new_figure(title(result, style), conditions(result, style), width=style.width, body=body)
    cells = figure.subplots(grid.rows, grid.columns, squeeze=False).reshape(-1)
    for empty in cells[grid.count :]:
        empty.remove()
    panels = list(cells[: grid.count])
    letters = max(10, int(style.width / grid.columns * 11))
    for axes, name in zip(panels, titles, strict=True):
        if name:
            lines = textwrap.wrap(name, width=letters, max_lines=2, placeholder="…")
            axes.set_title(escape_print("\n".join(lines)), fontsize=8.5, fontweight="bold", pad=4)
    return figure, panels


def dress_values(axes: Axes, axis: ProfileAxis, *, labels: bool) -> None:
    """The vertical axis with its ticks; without their texts where the panel on the left has them."""
    axes.set_ylim(axis.limits)
    texts = [text for _, text in axis.ticks] if labels else [""] * len(axis.ticks)
    axes.set_yticks([place for place, _ in axis.ticks], labels=texts)
    axes.yaxis.set_ticks(np.zeros(0), minor=True)
    axes.grid(visible=True, axis="y", linewidth=0.5)
