"""A line for the screen: train and test over t."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.core.requests import MEASURES, SPLITS, Split
from landscape.figures.marks import HOVER_NAMES, Mark, escape, mark_hover, marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.profile import ProfileAxis, profile_axis
from landscape.figures.screen_frame import add_note, frame
from landscape.figures.style import FigureStyle
from landscape.figures.texts import axis_titles, line_notes, quantity_name
from landscape.figures.theme import (
    INK,
    MARK_FILL,
    MARK_LINE,
    SPLIT_COLORS,
    SPLIT_DASHES,
    SYMBOLS,
    format_value,
)


def draw_line(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """Both curves with the checkpoints marked; where a value is missing or infinite the curve is broken."""
    drawn = drawn_part(result)
    axis = profile_axis(drawn, style)
    marks = marks_of(result, style.split)
    figure = frame(result, style)
    for mark in marks:
        figure.add_vline(mark.x, line={"width": 1, "dash": "dot", "color": INK[style.dark]}, opacity=0.6)
    figure.add_traces([_curve(drawn, axis, style, split) for split in SPLITS])
    figure.add_traces([_marker(index, mark, axis, style) for index, mark in enumerate(marks)])
    values = drawn[style.measure].values
    add_note(figure, "<br>".join(line_notes(result, values, style)), dark=style.dark)
    across, _ = axis_titles(result)
    t = result["t"].values
    room = 0.03 * (t[-1] - t[0])
    figure.update_xaxes(title_text=escape(across), range=[float(t[0] - room), float(t[-1] + room)])
    figure.update_yaxes(
        title_text=quantity_name(style.measure),
        tickvals=[place for place, _ in axis.ticks],
        ticktext=[text for _, text in axis.ticks],
        range=list(axis.limits),
    )
    return figure


def _curve(drawn: xr.Dataset, axis: ProfileAxis, style: FigureStyle, split: Split) -> go.Scatter:
    color = SPLIT_COLORS["dark" if style.dark else "light"][split]
    values = drawn[style.measure].sel(split=split).values
    return go.Scatter(
        x=drawn["t"].values,
        y=axis.position(values),
        # Markers too: a point between two gaps has no line.
        mode="lines+markers",
        line={"color": color, "width": 2.5, "dash": SPLIT_DASHES[split]},
        marker={"color": color, "size": 5},
        connectgaps=False,
        name=f"{split} {style.measure}",
        text=_hover_texts(drawn, split),
        hovertemplate="%{text}<extra></extra>",
    )


def _hover_texts(drawn: xr.Dataset, split: Split) -> list[str]:
    chosen = drawn.sel(split=split)
    t, distance = drawn["t"].values, drawn["distance"].values
    length = float((distance[-1] - distance[0]) / (t[-1] - t[0]))
    marks = marks_of(drawn, split)
    texts = []
    for index, place in enumerate(t):
        nearest = min(marks, key=lambda mark, place=place: abs(mark.x - place))
        lines = [f"{split}, t = {place:.4g}"]
        lines += [
            f"{HOVER_NAMES[measure]} {format_value(float(chosen[measure][index]), measure)}"
            for measure in MEASURES
        ]
        lines.append(f"{abs(nearest.x - place) * length:.3g} from {nearest.letter}")
        texts.append("<br>".join(lines))
    return texts


def _marker(index: int, mark: Mark, axis: ProfileAxis, style: FigureStyle) -> go.Scatter:
    return go.Scatter(
        x=[mark.x],
        y=axis.position(np.array([mark.value(style.measure)])),
        mode="markers+text",
        marker={
            "symbol": SYMBOLS[index % len(SYMBOLS)],
            "size": 20,
            "color": MARK_FILL,
            "line": {"width": 2, "color": MARK_LINE},
        },
        text=[f"<b>{mark.letter}</b>"],
        textposition="middle center",
        textfont={"size": 11, "color": MARK_LINE},
        name=escape(mark.name),
        hovertext=[mark_hover(mark)],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
