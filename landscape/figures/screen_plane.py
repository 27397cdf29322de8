"""A plane as a contour map for the screen."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.core.requests import MEASURES, Measure
from landscape.figures.cells import Hole, Holes, holes
from landscape.figures.marks import HOVER_NAMES, Mark, escape, mark_hover, marks_of, nearest_mark
from landscape.figures.partial import drawn_part
from landscape.figures.scales import ValueAxis, value_axis
from landscape.figures.screen_frame import add_note, frame
from landscape.figures.style import FigureStyle
from landscape.figures.texts import axis_titles, color_bar_title
from landscape.figures.theme import (
    COLOR_SCALES,
    DIVERGED,
    MARK_FILL,
    MARK_LINE,
    MISSING,
    PAPER,
    SYMBOLS,
    Stops,
    fill_scale,
    format_value,
)

# Pixels: everything above and below the map, and the width that a map usually gets. Ours: chosen by eye.
AROUND, MAP_WIDTH = 194, 680


def draw_contour(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """The map of one measure on one split, with equal axes, marks and hatched holes."""
    drawn = drawn_part(result)
    values = drawn[style.measure].sel(split=style.split).values.astype(np.float64)
    alpha, beta = drawn["alpha"].values, drawn["beta"].values
    axis = value_axis(values, style)
    marks = marks_of(result, style.split)
    found = holes(values, alpha, beta)

    figure = frame(result, style)
    if np.isfinite(values).any():
        figure.add_traces(_contours(drawn, axis, values, hover_texts(drawn, marks, style), style))
    else:
        add_note(figure, "No point has been evaluated yet.", dark=style.dark)
    figure.add_traces(_hatches(found, style))
    figure.add_traces([_marker(index, mark) for index, mark in enumerate(marks)])

    across, up = axis_titles(result)
    # The frame is that of the whole grid, also while only a part of it is there.
    figure.update_xaxes(title_text=escape(across), range=_ends(result["alpha"]), constrain="domain")
    figure.update_yaxes(
        title_text=escape(up), range=_ends(result["beta"]), constrain="domain", scaleanchor="x", scaleratio=1
    )
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    figure.update_layout(height=_height(result))
    return figure


def hover_texts(drawn: xr.Dataset, marks: tuple[Mark, ...], style: FigureStyle) -> np.ndarray:
    """What the pointer reads at each node, in plotly's markup; (R, C) of text."""
    chosen = drawn.sel(split=style.split)
    columns: dict[Measure, np.ndarray] = {measure: chosen[measure].values for measure in MEASURES}
    texts = np.empty(columns["nll"].shape, dtype=object)
    for row, beta in enumerate(drawn["beta"].values):
        for column, alpha in enumerate(drawn["alpha"].values):
            mark, distance = nearest_mark(marks, float(alpha), float(beta))
            lines = [f"alpha {alpha:.4g}, beta {beta:.4g}"]
            lines += [
                f"{HOVER_NAMES[measure]} {format_value(float(values[row, column]), measure)}"
                for measure, values in columns.items()
            ]
            lines.append(f"{distance:.3g} from {mark.letter}")
            texts[row, column] = "<br>".join(lines)
    return texts


def plotly_scale(stops: Stops) -> list[list[float | str]]:
    """A colour scale as plotly takes it."""
    return [[place, color] for place, color in stops]


def color_bar(axis: ValueAxis, style: FigureStyle) -> dict:
    """A colour bar whose ticks print values, whatever the positions are."""
    return {
        "title": {"text": color_bar_title(axis, style), "side": "right"},
        "tickvals": [place for place, _ in axis.ticks],
        "ticktext": [text for _, text in axis.ticks],
        "thickness": 16,
        "outlinewidth": 0,
        "ticks": "outside",
    }


def _contours(
    drawn: xr.Dataset, axis: ValueAxis, values: np.ndarray, texts: np.ndarray, style: FigureStyle
) -> list[go.Contour]:
    low, high = axis.limits
    contours = {
        "start": axis.start,
        "end": float(axis.levels[-1]),
        "size": axis.size,
    }
    shared = {
        "x": drawn["alpha"].values,
        "y": drawn["beta"].values,
        # A diverged node becomes a gap, as one that is missing: no line may lead to it.
        "z": np.where(np.isfinite(values), axis.position(values), np.nan),
        "zmin": low,
        "zmax": high,
        "connectgaps": False,
        "name": style.measure,
    }
    fill = go.Contour(
        **shared,
        colorscale=plotly_scale(fill_scale(style.colors, dark=style.dark)),
        contours={**contours, "coloring": "fill"},
        line={"width": 0.6, "color": "rgba(255,255,255,0.45)", "smoothing": 0},
        colorbar=color_bar(axis, style),
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )
    if style.colors != "published":
        return [fill]
    # As published: pale fill under strong lines of the same colours.
    fill.update(line={"width": 0})
    lines = go.Contour(
        **shared,
        colorscale=plotly_scale(COLOR_SCALES["published"]),
        contours={**contours, "coloring": "lines"},
        line={"width": 2.5, "smoothing": 0},
        showscale=False,
        hoverinfo="skip",
    )
    return [fill, lines]


def _hatches(found: Holes, style: FigureStyle) -> list[go.Scatter]:
    kinds = (
        (found.missing, found.missing_points, "not evaluated", ".", MISSING),
        (found.diverged, found.diverged_points, "diverged", "x", DIVERGED),
    )
    return [
        _hatch(rectangles, f"{words} ({count:,})", shape, colors[style.dark], style)
        for rectangles, count, words, shape, colors in kinds
        if rectangles
    ]


def _hatch(rectangles: tuple[Hole, ...], name: str, shape: str, color: str, style: FigureStyle) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    for hole in rectangles:
        x += [hole.left, hole.right, hole.right, hole.left, hole.left, None]
        y += [hole.bottom, hole.bottom, hole.top, hole.top, hole.bottom, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"width": 0, "color": color},
        fill="toself",
        fillpattern={
            "shape": shape,
            "fgcolor": color,
            "bgcolor": PAPER[style.dark],
            "size": 7,
            "solidity": 0.3,
        },
        name=name,
        hoverinfo="skip",
    )


def _marker(index: int, mark: Mark) -> go.Scatter:
    """White shape, dark rim and letter: legible on every colour, told apart without colour."""
    return go.Scatter(
        x=[mark.x],
        y=[mark.y],
        mode="markers+text",
        marker={
            "symbol": SYMBOLS[index % len(SYMBOLS)],
            "size": 22,
            "color": MARK_FILL,
            "line": {"width": 2, "color": MARK_LINE},
        },
        text=[f"<b>{mark.letter}</b>"],
        textposition="middle center",
        textfont={"size": 12, "color": MARK_LINE},
        name=escape(mark.name),
        hovertext=[mark_hover(mark)],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )


def _height(result: xr.Dataset) -> float:
    """Pixels that leave little empty round the map in a page column; whoever embeds the figure may choose others."""
    ratio = float(np.ptp(result["beta"].values) / np.ptp(result["alpha"].values))
    return round(AROUND + MAP_WIDTH * min(max(ratio, 0.45), 1.0))


def _ends(axis: xr.DataArray) -> list[float]:
    return [float(axis.values[0]), float(axis.values[-1])]
