"""Ensembles for the screen: one curve per group over the number of members."""

import plotly.graph_objects as go
import xarray as xr

from landscape.figures.ensemble import (
    Curve,
    EnsemblePicture,
    Model,
    ensemble_picture,
    model_lines,
    size_title,
)
from landscape.figures.groups import Look, look_of
from landscape.figures.marks import escape, shorten
from landscape.figures.screen_frame import frame
from landscape.figures.style import FigureStyle
from landscape.figures.texts import quantity_name
from landscape.figures.theme import GRID, INK, PAPER, mixed

# Pixels, and shares of the horizontal axis. Ours: chosen by eye.
_HEIGHT, _LABEL_HEIGHT, _LABEL_ROOM = 560, 17, 0.28
_FAINT = 0.5


def draw_ensemble(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """The quality of ensembles over their size, the members alone as faint marks, the average of the weights apart."""
    picture = ensemble_picture(result, style)
    figure = frame(result, style)
    looks = [look_of(curve.group.place, dark=style.dark) for curve in picture.curves]
    if picture.has_averages:
        border = (picture.average_place + 1) / 2
        figure.add_vline(border, line={"width": 1, "color": GRID[style.dark]}, layer="below")
    for curve, look in zip(picture.curves, looks, strict=True):
        figure.add_traces(_members(picture, curve, look, style))
    for curve, look, place in zip(picture.curves, looks, picture.average_places(), strict=True):
        figure.add_traces([_ensembles(picture, curve, look), *_average(picture, curve, look, place, style)])
    if picture.labelled:
        figure.add_traces(_labels(picture, looks, style))
    _dress(figure, picture, style)
    return figure


def _dress(figure: go.Figure, picture: EnsemblePicture, style: FigureStyle) -> None:
    largest, sizes, average = picture.largest, picture.size_ticks, picture.average_place
    room = _LABEL_ROOM * (largest + 1) if picture.labelled else 0.5
    left = [(average, "weights<br>averaged")] if picture.has_averages else []
    figure.update_xaxes(
        title_text=size_title(style),
        range=[(average - 0.6 * (1 - average)) if left else 0.5, largest + room],
        tickvals=[*(place for place, _ in left), *sizes],
        ticktext=[*(text for _, text in left), *map(str, sizes)],
        tickangle=0,
        showgrid=False,
    )
    figure.update_yaxes(
        title_text=f"{style.split} {quantity_name(style.quality)}",
        tickvals=[place for place, _ in picture.axis.ticks],
        ticktext=[text for _, text in picture.axis.ticks],
        range=list(picture.axis.limits),
    )
    below = 84 if picture.labelled or len(picture.curves) == 1 else 120
    figure.update_layout(height=_HEIGHT, margin_b=below)


def _ensembles(picture: EnsemblePicture, curve: Curve, look: Look) -> go.Scatter:
    return go.Scatter(
        x=[model.size for model in curve.ensembles],
        y=[picture.height(model) for model in curve.ensembles],
        mode="lines+markers",
        line={"color": look.color, "width": 2.4, "dash": look.dash},
        marker={"symbol": look.symbol, "size": 9, "color": look.color},
        connectgaps=False,
        name=escape(curve.group.title),
        legendgroup=str(curve.group.place),
        showlegend=not picture.labelled and bool(curve.group.title),
        text=[_hover(curve, model, "ensemble") for model in curve.ensembles],
        hovertemplate="%{text}<extra></extra>",
    )


def _members(picture: EnsemblePicture, curve: Curve, look: Look, style: FigureStyle) -> list[go.Scatter]:
    """Each member at the size at which it joins; one above the axis as an arrow at its top."""
    faint = mixed(look.color, share=_FAINT, dark=style.dark)
    above = [picture.is_above(model) for model in curve.members]
    return [
        go.Scatter(
            x=[place + 1 for place in range(len(curve.members))],
            y=[picture.height(model) for model in curve.members],
            mode="markers",
            marker={
                "symbol": ["arrow-bar-up-open" if high else look.symbol for high in above],
                "size": [11 if high else 7 for high in above],
                "color": faint,
                # Else plotly takes marks of several sizes for bubbles, with rims, and half transparent.
                "opacity": 1,
                "line": {"width": [1.5 if high else 0 for high in above]},
            },
            name=escape(f"{curve.group.title}, members alone"),
            legendgroup=str(curve.group.place),
            showlegend=False,
            text=[_hover(curve, model, "alone") for model in curve.members],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _average(
    picture: EnsemblePicture, curve: Curve, look: Look, place: float, style: FigureStyle
) -> list[go.Scatter]:
    if curve.average is None:
        return []
    return [
        go.Scatter(
            x=[place],
            y=[picture.height(curve.average)],
            mode="markers",
            marker={
                "symbol": "arrow-bar-up" if picture.is_above(curve.average) else look.symbol,
                "size": 13,
                "color": PAPER[style.dark],
                "line": {"width": 2.5, "color": look.color},
            },
            name=escape(f"{curve.group.title}, weights averaged"),
            legendgroup=str(curve.group.place),
            showlegend=False,
            text=[_hover(curve, curve.average, "weights averaged")],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _labels(picture: EnsemblePicture, looks: list[Look], style: FigureStyle) -> list[go.Scatter]:
    """The name of each group at the right of its curve, with a thin line to where the curve ends."""
    ends = picture.label_heights(share=_LABEL_HEIGHT / (_HEIGHT - 170))
    right = picture.largest
    room = _LABEL_ROOM * (right + 1)
    traces = []
    for curve, look, (end, label) in zip(picture.curves, looks, ends, strict=True):
        traces.append(
            go.Scatter(
                x=[len(curve.ensembles) + 0.04 * room, right + 0.1 * room],
                y=[end, label],
                mode="lines",
                line={"color": INK[style.dark], "width": 0.7, "dash": "dot"},
                opacity=0.6,
                hoverinfo="skip",
                showlegend=False,
            )
        )
        traces.append(
            go.Scatter(
                x=[right + 0.12 * room],
                y=[label],
                mode="text",
                text=[f"<b>{escape(curve.group.title)}</b>"],
                textposition="middle right",
                textfont={"size": 12, "color": look.color},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )
        )
    return traces


def _hover(curve: Curve, model: Model, what: str) -> str:
    group = f"<b>{escape(curve.group.title)}</b>, " if curve.group.title else ""
    return "<br>".join([f"{group}{what}: {escape(shorten(model.name))}", *model_lines(model)])
