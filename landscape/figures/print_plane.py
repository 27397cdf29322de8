"""A plane as a contour map for print: vector paths only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap as ColorMap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from landscape.figures.cells import Hole, Holes, holes
from landscape.figures.marks import marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.print_frame import add_legend, draw_marks, new_figure, wrapped
from landscape.figures.scales import ValueAxis, value_axis
from landscape.figures.style import FigureStyle
from landscape.figures.texts import axis_titles, color_bar_title, conditions, title
from landscape.figures.theme import COLOR_SCALES, DIVERGED, MISSING, PAPER, Stops, fill_scale, rgb

# Inches between the texts and the legend that are not the map, and inches of the width that are not.
_AROUND_HEIGHT, _AROUND_WIDTH = 0.55, 1.45


def draw_contour_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """The map of one measure on one split, with equal axes, marks and hatched holes."""
    drawn = drawn_part(result)
    values = drawn[style.measure].sel(split=style.split).values.astype(np.float64)
    axis = value_axis(values, style)
    marks = marks_of(result, style.split)
    found = holes(values, drawn["alpha"].values, drawn["beta"].values)

    alpha, beta = result["alpha"].values, result["beta"].values
    map_height = (style.width - _AROUND_WIDTH) * float(np.ptp(beta) / np.ptp(alpha))
    map_height = min(max(map_height, 1.0), 1.3 * style.width)
    figure = new_figure(
        title(result, style), conditions(result, style), width=style.width, body=_AROUND_HEIGHT + map_height
    )
    axes = figure.add_subplot()
    if np.isfinite(values).any() and min(values.shape) > 1:
        _draw_field(figure, axes, Field(drawn, axis, values, style), map_height)
    handles: list[Artist] = [*_draw_holes(axes, found, style)]
    handles += draw_marks(axes, marks, [(mark.x, mark.y) for mark in marks])
    axes.set(xlim=(alpha[0], alpha[-1]), ylim=(beta[0], beta[-1]), aspect="equal")
    across, up = axis_titles(result)
    axes.set_xlabel(across)
    axes.set_ylabel(wrapped(up, map_height))
    add_legend(figure, handles)
    return figure


@dataclass(frozen=True, eq=False)
class Field:
    """What is contoured: part of the result, its axis, its values (R, C)."""

    drawn: xr.Dataset
    axis: ValueAxis
    values: np.ndarray
    style: FigureStyle


def color_map(stops: Stops) -> ColorMap:
    """A colour scale as matplotlib takes it; the same stops as on the screen."""
    places = [(place, tuple(part / 255 for part in rgb(color))) for place, color in stops]
    return ColorMap.from_list("landscape", places)


def shades(axis: ValueAxis, positions: np.ndarray, colors: ColorMap) -> np.ndarray:
    """Colours (..., 4) of positions."""
    low, high = axis.limits
    return colors(np.clip((positions - low) / (high - low), 0, 1))


def draw_ticks(bar: Any, axis: ValueAxis) -> None:
    """Ticks that print values on a colour bar drawn in positions."""
    bar.set_ticks([place for place, _ in axis.ticks], labels=[text for _, text in axis.ticks])
    bar.minorticks_off()
    bar.outline.set_linewidth(0.5)


def _draw_field(figure: Figure, axes: Axes, field: Field, height: float) -> None:
    axis, style = field.axis, field.style
    published = style.colors == "published"
    # A diverged node becomes a gap, as one that is missing: no line may lead to it.
    z = np.ma.masked_invalid(np.where(np.isfinite(field.values), axis.position(field.values), np.nan))
    x, y = field.drawn["alpha"].values, field.drawn["beta"].values
    edges = _edges(axis)
    middles = (edges[:-1] + edges[1:]) / 2
    fill = color_map(fill_scale(style.colors, dark=style.dark))
    bands = shades(axis, np.append(middles, axis.limits[1]), fill)
    filled = axes.contourf(
        x,
        y,
        z,
        levels=edges,
        colors=bands if axis.above else bands[:-1],
        extend="max" if axis.above else "neither",
        corner_mask=False,
    )
    filled.set_edgecolor("face")  # else viewers show the paper between neighbouring bands
    filled.set_linewidth(0.3)
    axes.contour(
        x,
        y,
        z,
        levels=axis.levels,
        colors=shades(axis, axis.levels, color_map(COLOR_SCALES["published"]))
        if published
        else [(1, 1, 1, 0.45)],
        linewidths=1.8 if published else 0.4,
        linestyles="solid",
        corner_mask=False,
    )
    # An inset is as high as the map, whatever shape the equal axes leave it.
    bar = figure.colorbar(
        filled, cax=axes.inset_axes((1.02, 0, 0.03, 1)), spacing="proportional", extendfrac=0.06
    )
    bar.set_label(wrapped(color_bar_title(axis, style), height))
    draw_ticks(bar, axis)


def _edges(axis: ValueAxis) -> np.ndarray:
    """Edges of the closed bands: the levels, and the ends of the axis where they are no levels."""
    bottom, top = float(axis.position(axis.low)), float(axis.position(axis.high))
    inner = axis.levels[(axis.levels > bottom + 1e-12) & (axis.levels < top - 1e-12)]
    return np.concatenate([[bottom], inner, [top]])


def _draw_holes(axes: Axes, found: Holes, style: FigureStyle) -> list[Patch]:
    kinds = (
        (found.missing, f"not evaluated ({found.missing_points:,})", "....", MISSING[style.dark]),
        (found.diverged, f"diverged ({found.diverged_points:,})", "xxxx", DIVERGED[style.dark]),
    )
    handles = []
    for rectangles, name, hatch, color in kinds:
        if rectangles:
            look = {"facecolor": PAPER[style.dark], "edgecolor": color, "hatch": hatch, "linewidth": 0}
            axes.add_collection(PolyCollection([_corners(hole) for hole in rectangles], zorder=3, **look))
            handles.append(Patch(label=name, **look))
    return handles


def _corners(hole: Hole) -> list[tuple[float, float]]:
    return [
        (hole.left, hole.bottom),
        (hole.right, hole.bottom),
        (hole.right, hole.top),
        (hole.left, hole.top),
    ]
