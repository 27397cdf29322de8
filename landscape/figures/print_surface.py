"""A plane as a three-dimensional surface for print: every facet is a vector path."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LightSource, Normalize
from matplotlib.colors import LinearSegmentedColormap as ColorMap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from landscape.figures.marks import Mark, escape_print, marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.print_frame import add_legend, new_figure
from landscape.figures.print_plane import color_map, draw_ticks, shades
from landscape.figures.scales import ValueAxis, value_axis
from landscape.figures.style import FigureStyle
from landscape.figures.texts import axis_titles, color_bar_title, conditions, title
from landscape.figures.theme import COLOR_SCALES, INK, MARK_FILL, MARK_LINE, SYMBOLS_PRINT

# The view of the screen's first camera, and the same proportions.
ELEVATION, AZIMUTH = 30, -125
HEIGHT, NEEDLE = 0.7, 0.12


def draw_surface_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """The surface of one measure on one split, cut off at the clip, with the checkpoints standing on it."""
    drawn = drawn_part(result)
    values = drawn[style.measure].sel(split=style.split).values.astype(np.float64)
    axis = value_axis(values, style)
    figure = new_figure(
        title(result, style), conditions(result, style), width=style.width, body=0.78 * style.width
    )
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    assert isinstance(axes, Axes3D)
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    colors = color_map(COLOR_SCALES[style.colors])
    facets = _facets(drawn, axis, values, colors)
    if facets is not None:
        axes.add_collection3d(facets)
    handles = _draw_pins(axes, marks_of(result, style.split), axis, style)
    _dress(axes, result, axis, style)
    low, high = axis.limits
    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), colors.resampled(40)),
        ax=axes,
        shrink=0.6,
        pad=0.08,
        aspect=24,
    )
    if bar.solids is not None:
        bar.solids.set_edgecolor("face")  # else viewers show the paper between the colours
    bar.set_label(color_bar_title(axis, style))
    draw_ticks(bar, axis)
    add_legend(figure, handles)
    return figure


def _facets(
    drawn: xr.Dataset, axis: ValueAxis, values: np.ndarray, scale: ColorMap
) -> Poly3DCollection | None:
    """One facet per cell whose four corners are finite; (R - 1) * (C - 1) of them at most."""
    x, y = np.meshgrid(drawn["alpha"].values, drawn["beta"].values)
    nodes = np.stack([x, y, axis.capped(values)], axis=-1)
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2)
    corners = corners.reshape(-1, 4, 3)
    clipped = np.where(values > axis.high, axis.limits[1], nodes[..., 2])
    places = (clipped[:-1, :-1] + clipped[:-1, 1:] + clipped[1:, 1:] + clipped[1:, :-1]).reshape(-1) / 4
    whole = np.isfinite(corners).all(axis=(1, 2))
    if not whole.any():
        return None
    # Lit in the unit of each axis the light would depend on the units; scaled to the box it does not.
    colors = _lit(shades(axis, places[whole], scale), corners[whole] / _box(drawn, axis))
    return Poly3DCollection(corners[whole], facecolors=colors, edgecolors=colors, linewidths=0.5, zorder=1)


def _lit(colors: np.ndarray, corners: np.ndarray) -> np.ndarray:
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    brightness = 0.75 + 0.25 * np.clip(normals @ LightSource(azdeg=225, altdeg=50).direction, 0, 1)
    return np.concatenate([colors[:, :3] * brightness[:, None], colors[:, 3:]], axis=1)


def _box(drawn: xr.Dataset, axis: ValueAxis) -> np.ndarray:
    longest = max(np.ptp(drawn["alpha"].values), np.ptp(drawn["beta"].values))
    low, high = axis.limits
    return np.array([longest, longest, (high - low) / HEIGHT])


def _draw_pins(axes: Axes3D, marks: tuple[Mark, ...], axis: ValueAxis, style: FigureStyle) -> list[Artist]:
    low, high = axis.limits
    top = high + NEEDLE * (high - low)
    handles: list[Artist] = []
    for index, mark in enumerate(marks):
        height = float(axis.capped(mark.value(style.measure)))
        if np.isnan(height):
            continue
        axes.plot([mark.x, mark.x], [mark.y, mark.y], [height, top], color=INK[style.dark], lw=0.9, zorder=5)
        axes.plot(
            [mark.x], [mark.y], [height], marker="o", ms=3, mfc=MARK_FILL, mec=MARK_LINE, mew=0.7, zorder=6
        )
        (handle,) = axes.plot(
            [mark.x],
            [mark.y],
            [top],
            marker=SYMBOLS_PRINT[index % len(SYMBOLS_PRINT)],
            linestyle="none",
            ms=10,
            mfc=MARK_FILL,
            mec=MARK_LINE,
            mew=1.1,
            zorder=7,
            label=escape_print(mark.name),
        )
        axes.text(
            mark.x,
            mark.y,
            top,
            mark.letter,
            ha="center",
            va="center_baseline",
            fontsize=6.5,
            fontweight="bold",
            color=MARK_LINE,
            zorder=8,
        )
        handles.append(handle)
    return handles


def _dress(axes: Axes3D, result: xr.Dataset, axis: ValueAxis, style: FigureStyle) -> None:
    alpha, beta = result["alpha"].values, result["beta"].values
    low, high = axis.limits
    across, up = axis_titles(result)
    axes.set_xlim(alpha[0], alpha[-1])
    axes.set_ylim(beta[0], beta[-1])
    axes.set_zlim(low, high + 0.15 * (high - low))
    axes.set_xlabel(across.partition(":")[0])
    axes.set_ylabel(up.partition(":")[0], labelpad=-1)
    axes.zaxis.set_ticks([place for place, _ in axis.ticks], labels=[text for _, text in axis.ticks])
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelsize=7, pad=0)
    longest = max(np.ptp(alpha), np.ptp(beta))
    axes.set_box_aspect((np.ptp(alpha) / longest, np.ptp(beta) / longest, HEIGHT))
    sides: list[Any] = [axes.xaxis, axes.yaxis, axes.zaxis]  # typed as flat axes, which have no pane
    for side in sides:
        side.set_pane_color((0, 0, 0, 0))
        side.pane.set_edgecolor(INK[style.dark])
        side.pane.set_linewidth(0.3)
    axes.grid(visible=False)
