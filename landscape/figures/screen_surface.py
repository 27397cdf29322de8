"""A plane as a three-dimensional surface for the screen."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.figures.cells import holes
from landscape.figures.marks import Mark, escape, mark_hover, marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.scales import ValueAxis, value_axis
from landscape.figures.screen_frame import UIREVISION, add_note, frame
from landscape.figures.screen_plane import color_bar, hover_texts, plotly_scale
from landscape.figures.style import FigureStyle
from landscape.figures.texts import axis_titles, color_bar_title, hole_words
from landscape.figures.theme import COLOR_SCALES, INK, MARK_FILL, MARK_LINE, SYMBOLS_3D

# From the lower left and above: A lies in front, B to the right, C behind.
CAMERA = {"eye": {"x": -0.95, "y": -1.36, "z": 0.95}, "center": {"x": 0, "y": 0, "z": -0.1}}
# Ours, chosen by eye:
HEIGHT = 0.7  # of the box, relative to the longer side of the plane
NEEDLE = 0.12  # of the value axis, how far a checkpoint's needle rises above it


def draw_surface(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """The surface of one measure on one split, cut off at the clip, with the checkpoints standing on it."""
    drawn = drawn_part(result)
    values = drawn[style.measure].sel(split=style.split).values.astype(np.float64)
    axis = value_axis(values, style)
    marks = marks_of(result, style.split)

    figure = frame(result, style)
    if np.isfinite(values).any():
        figure.add_trace(_surface(drawn, axis, values, hover_texts(drawn, marks, style), style))
        figure.add_traces(
            [trace for index, mark in enumerate(marks) for trace in _pin(index, mark, axis, style)]
        )
        found = holes(values, drawn["alpha"].values, drawn["beta"].values)
        add_note(figure, hole_words(found), dark=style.dark)
    else:
        add_note(figure, "No point has been evaluated yet.", dark=style.dark)
    figure.update_layout(scene=_scene(result, axis, style))
    return figure


def _surface(
    drawn: xr.Dataset, axis: ValueAxis, values: np.ndarray, texts: np.ndarray, style: FigureStyle
) -> go.Surface:
    heights = axis.capped(values)
    low, high = axis.limits
    # Clipped nodes keep their height but take the colour of the open bin.
    colors = np.where(values > axis.high, high, heights)
    return go.Surface(
        x=drawn["alpha"].values,
        y=drawn["beta"].values,
        z=heights,
        surfacecolor=colors,
        cmin=low,
        cmax=high,
        colorscale=plotly_scale(COLOR_SCALES[style.colors]),
        colorbar={**color_bar(axis, style), "len": 0.8},
        connectgaps=False,
        contours={
            "z": {
                "show": True,
                "start": axis.start,
                "end": float(axis.levels[-1]),
                "size": axis.size,
                "color": "rgba(255,255,255,0.35)",
                "width": 1,
            }
        },
        lighting={"ambient": 0.72, "diffuse": 0.6, "specular": 0.08, "roughness": 0.9},
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        name=style.measure,
    )


def _pin(index: int, mark: Mark, axis: ValueAxis, style: FigureStyle) -> list[go.Scatter3d]:
    """A needle that stands where the checkpoint is; shape and letter ride above, where no slope hides them."""
    height = float(axis.capped(mark.value(style.measure)))
    if np.isnan(height):
        return []
    low, high = axis.limits
    ink = INK[style.dark]
    needle = go.Scatter3d(
        x=[mark.x, mark.x],
        y=[mark.y, mark.y],
        z=[height, high + NEEDLE * (high - low)],
        mode="lines+markers",
        line={"color": ink, "width": 3},
        marker={"size": [5, 0], "color": MARK_FILL, "line": {"width": 0}},
        hoverinfo="skip",
        showlegend=False,
    )
    head = go.Scatter3d(
        x=[mark.x],
        y=[mark.y],
        z=[high + NEEDLE * (high - low)],
        mode="markers+text",
        marker={
            "symbol": SYMBOLS_3D[index % len(SYMBOLS_3D)],
            "size": 8,
            "color": MARK_FILL,
            "line": {"width": 2, "color": MARK_LINE},
        },
        text=[f"<b>{mark.letter}</b>"],
        textposition="top center",
        textfont={"size": 16, "color": ink},
        name=escape(mark.name),
        hovertext=[mark_hover(mark)],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    return [needle, head]


def _scene(result: xr.Dataset, axis: ValueAxis, style: FigureStyle) -> dict:
    across, up = axis_titles(result)
    width, depth = (float(np.ptp(result[name].values)) for name in ("alpha", "beta"))
    longest = max(width, depth)
    low, high = axis.limits
    return {
        "xaxis": {
            "title": {"text": escape(across.partition(":")[0])},
            "range": _ends(result["alpha"]),
            "nticks": 6,
        },
        "yaxis": {
            "title": {"text": escape(up.partition(":")[0])},
            "range": _ends(result["beta"]),
            "nticks": 5,
        },
        "zaxis": {
            "title": {"text": color_bar_title(axis, style)},
            "tickvals": [place for place, _ in axis.ticks],
            "ticktext": [text for _, text in axis.ticks],
            "range": [low - 0.02 * (high - low), high + 0.3 * (high - low)],
        },
        "aspectmode": "manual",
        "aspectratio": {"x": 1.3 * width / longest, "y": 1.3 * depth / longest, "z": 1.3 * HEIGHT},
        "camera": CAMERA,
        "uirevision": UIREVISION,
    }


def _ends(axis: xr.DataArray) -> list[float]:
    return [float(axis.values[0]), float(axis.values[-1])]
