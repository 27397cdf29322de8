"""A fan of lines for print: one panel per group, one curve per earlier checkpoint."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figures.fan import AXIS_TITLE, FanPanel, fan_panels, label_places
from landscape.figures.groups import grid_of
from landscape.figures.print_panels import dress_values, panel_figure
from landscape.figures.style import FigureStyle
from landscape.figures.texts import quantity_name
from landscape.figures.theme import INK, MARK_FILL, MARK_LINE, sequence_colors

_LABEL_HEIGHT = 0.12  # inches
# Of the range of t: room for the numbers on the left of the curves, and on their right.
_LEFT, _RIGHT = 0.15, 0.08


def draw_fan_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """The curves of each group, early to late; where a value is missing or infinite a curve is broken."""
    panels = fan_panels(result, style)
    grid = grid_of(len(panels), style.columns, width=style.width)
    height = min(2.6, (0.85 if grid.columns > 1 else 0.62) * style.width / grid.columns)
    figure, cells = panel_figure(
        result, style, [panel.group.title for panel in panels], grid=grid, height=height
    )
    t = result["t"].values
    span = float(t[-1] - t[0])
    for place, (axes, panel) in enumerate(zip(cells, panels, strict=True)):
        _draw(axes, result, panel, style, share=_LABEL_HEIGHT / height)
        first = grid.at(place)[1] == 0
        dress_values(axes, panel.axis, labels=first or style.ranges == "own")
        axes.set_xlim(float(t[0]) - _LEFT * span, float(t[-1]) + _RIGHT * span)
        axes.tick_params(labelbottom=grid.is_lowest(place))
        axes.locator_params(axis="x", nbins=5)
        if first:
            axes.set_ylabel(f"{style.split} {quantity_name(style.measure)}")
    figure.supxlabel(AXIS_TITLE, fontsize=8.5)
    return figure


def _draw(axes: Axes, result: xr.Dataset, panel: FanPanel, style: FigureStyle, *, share: float) -> None:
    colors = sequence_colors(style.colors, len(panel.curves), dark=style.dark)
    hexes = [_fraction(color) for color in colors]
    for end in (0, 1):
        axes.axvline(end, color=INK[style.dark], linewidth=0.6, linestyle=":", alpha=0.7, zorder=1)
    for curve, color in zip(panel.curves, hexes, strict=True):
        axes.plot(
            curve.t, panel.axis.position(curve.values), color=color, linewidth=1.3, marker="o", markersize=1.4
        )
        axes.plot(
            [0], panel.axis.position(np.array([curve.start])), marker="o", markersize=4.5, color=color,
            markeredgecolor=MARK_FILL, markeredgewidth=0.6, zorder=5,
        )  # fmt: skip
    _number(axes, result, panel, hexes, share=share, style=style)
    if panel.curves:
        end = float(panel.axis.position(np.array([panel.curves[-1].end]))[0])
        axes.plot(
            [1], [end], marker="D", markersize=8, markerfacecolor=MARK_FILL, markeredgecolor=MARK_LINE,
            markeredgewidth=0.9, zorder=6,
        )  # fmt: skip
        axes.annotate(
            str(len(panel.group.members)), (1, end), ha="center", va="center_baseline", fontsize=5.5,
            fontweight="bold", color=MARK_LINE, zorder=7, annotation_clip=True,
        )  # fmt: skip


def _number(
    axes: Axes,
    result: xr.Dataset,
    panel: FanPanel,
    colors: list[tuple[float, ...]],
    *,
    share: float,
    style: FigureStyle,
) -> None:
    """The number of each earlier checkpoint at the left of its curve, with a thin line where it had to give way."""
    t = result["t"].values
    edge, span = float(t[0]), float(t[-1] - t[0])
    places, spread = label_places(panel, share=share)
    for curve, color, place, label in zip(panel.curves, colors, places, spread, strict=True):
        if np.isnan(place):
            continue
        axes.plot(
            [edge - 0.015 * span, edge - 0.055 * span], [place, label], color=INK[style.dark], linewidth=0.4,
            alpha=0.6,
        )  # fmt: skip
        axes.text(
            edge - 0.06 * span, label, str(curve.number), ha="right", va="center_baseline", fontsize=7,
            fontweight="bold", color=color,
        )  # fmt: skip


def _fraction(color: str) -> tuple[float, ...]:
    return tuple(int(part) / 255 for part in color[4:-1].split(","))
