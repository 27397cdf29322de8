"""A fan of lines for the screen: one panel per group, one curve per earlier checkpoint."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.core.requests import MEASURES
from landscape.figures.fan import AXIS_TITLE, Curve, FanPanel, fan_panels, label_places
from landscape.figures.groups import Grid, grid_of
from landscape.figures.marks import HOVER_NAMES, escape, shorten
from landscape.figures.screen_panels import Spacing, add_axis_title, panel_frame
from landscape.figures.style import FigureStyle
from landscape.figures.texts import quantity_name
from landscape.figures.theme import INK, MARK_FILL, MARK_LINE, format_value, sequence_colors

# Pixels. Ours: chosen by eye.
LABEL_HEIGHT = 15
# Of the range of t: room for the numbers on the left of the curves, and on their right.
LEFT, RIGHT = 0.13, 0.07


def draw_fan(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """The curves of each group, early to late; where a value is missing or infinite a curve is broken."""
    panels = fan_panels(result, style)
    grid = grid_of(len(panels), style.columns)
    height = 390 if grid.rows == 1 else 290
    figure = panel_frame(
        result,
        style,
        [panel.group.title for panel in panels],
        grid=grid,
        height=height,
        spacing=Spacing(across=0.08 if style.ranges == "own" else 0.025, down=36),
    )
    for place, panel in enumerate(panels):
        row, column = grid.at(place)
        where: dict[str, Any] = {"row": row + 1, "col": column + 1}
        for trace in _traces(result, panel, style, height):
            figure.add_trace(trace, **where)
        for end in (0, 1):
            line = {"width": 1, "dash": "dot", "color": INK[style.dark]}
            figure.add_vline(end, line=line, opacity=0.45, **where)
    _dress(figure, result, panels, grid, style)
    add_axis_title(figure, AXIS_TITLE, dark=style.dark)
    return figure


def _dress(
    figure: go.Figure, result: xr.Dataset, panels: list[FanPanel], grid: Grid, style: FigureStyle
) -> None:
    t = result["t"].values
    span = float(t[-1] - t[0])
    for place, panel in enumerate(panels):
        row, column = grid.at(place)
        where: dict[str, Any] = {"row": row + 1, "col": column + 1}
        labelled = column == 0 or style.ranges == "own"
        figure.update_xaxes(
            range=[float(t[0]) - LEFT * span, float(t[-1]) + RIGHT * span],
            showticklabels=grid.is_lowest(place),
            nticks=6,
            showgrid=False,
            **where,
        )
        figure.update_yaxes(
            title_text=f"{style.split} {quantity_name(style.measure)}" if column == 0 else None,
            tickvals=[position for position, _ in panel.axis.ticks],
            ticktext=[text for _, text in panel.axis.ticks],
            showticklabels=labelled,
            range=list(panel.axis.limits),
            # Panels that share a range are zoomed together, so that they can still be compared.
            matches="y" if style.ranges == "shared" and place else None,
            **where,
        )


def _traces(result: xr.Dataset, panel: FanPanel, style: FigureStyle, height: int) -> list[go.Scatter]:
    colors = sequence_colors(style.colors, len(panel.curves), dark=style.dark)
    curves = [
        _curve(result, panel, curve, color, style) for curve, color in zip(panel.curves, colors, strict=True)
    ]
    return [
        *curves,
        *_numbers(result, panel, colors, style, height),
        _starts(panel, colors),
        _end(panel, style),
    ]


def _curve(result: xr.Dataset, panel: FanPanel, curve: Curve, color: str, style: FigureStyle) -> go.Scatter:
    return go.Scatter(
        x=curve.t,
        y=panel.axis.position(curve.values),
        # Markers too: a point between two gaps has no line.
        mode="lines+markers",
        line={"color": color, "width": 2.2},
        marker={"color": color, "size": 4},
        connectgaps=False,
        name=escape(f"{curve.number}: {shorten(curve.label)}"),
        showlegend=False,
        text=_hover_texts(result, panel, curve, style),
        hovertemplate="%{text}<extra></extra>",
    )


def _hover_texts(result: xr.Dataset, panel: FanPanel, curve: Curve, style: FigureStyle) -> list[str]:
    chosen = result.sel(split=style.split).isel(pair=curve.pair)
    last = panel.group.labels[-1]
    texts = []
    for index, t in enumerate(result["t"].values):
        if t in curve.t:
            lines = [
                f"<b>{curve.number}: {escape(shorten(curve.label))}</b> → {escape(shorten(last))}",
                f"{style.split}, t = {t:.4g}",
                *(
                    f"{HOVER_NAMES[name]} {format_value(float(chosen[name][index]), name)}"
                    for name in MEASURES
                ),
                f"{abs(1 - t) * curve.length:.3g} from the last checkpoint",
            ]
            texts.append("<br>".join(lines))
    return texts


def _numbers(
    result: xr.Dataset, panel: FanPanel, colors: list[str], style: FigureStyle, height: int
) -> list[go.Scatter]:
    """The number of each earlier checkpoint at the left of its curve, with a thin line where it had to give way."""
    t = result["t"].values
    edge, span = float(t[0]), float(t[-1] - t[0])
    places, spread = label_places(panel, share=LABEL_HEIGHT / height)
    x: list[float | None] = []
    y: list[float | None] = []
    for place, label in zip(places, spread, strict=True):
        x += [edge - 0.015 * span, edge - 0.055 * span, None]
        y += [place, label, None]
    leaders = go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": INK[style.dark], "width": 0.6},
        opacity=0.5,
        hoverinfo="skip",
        showlegend=False,
    )
    numbers = go.Scatter(
        x=[edge - 0.06 * span] * len(spread),
        y=spread,
        mode="text",
        text=[f"<b>{curve.number}</b>" for curve in panel.curves],
        textposition="middle left",
        textfont={"size": 12, "color": colors},
        hoverinfo="skip",
        showlegend=False,
    )
    return [leaders, numbers]


def _starts(panel: FanPanel, colors: list[str]) -> go.Scatter:
    return go.Scatter(
        x=[0.0] * len(panel.curves),
        y=panel.axis.position(np.array([curve.start for curve in panel.curves])),
        mode="markers",
        marker={"symbol": "circle", "size": 9, "color": colors, "line": {"width": 1.2, "color": MARK_FILL}},
        hovertext=[
            f"<b>{curve.number}: {escape(shorten(curve.label))}</b><br>{format_value(curve.start, panel.axis.measure)}"
            for curve in panel.curves
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _end(panel: FanPanel, style: FigureStyle) -> go.Scatter:
    value = panel.curves[-1].end if panel.curves else float("nan")
    name = escape(shorten(panel.group.labels[-1]))
    return go.Scatter(
        x=[1.0],
        y=panel.axis.position(np.array([value])),
        mode="markers+text",
        marker={
            "symbol": "diamond",
            "size": 19,
            "color": MARK_FILL,
            "line": {"width": 1.6, "color": MARK_LINE},
        },
        text=[f"<b>{len(panel.group.members)}</b>"],
        textposition="middle center",
        textfont={"size": 10, "color": MARK_LINE},
        hovertext=[f"<b>{len(panel.group.members)}: {name}</b><br>{format_value(value, style.measure)}"],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
