"""A training history for the screen: learning rate, loss and accuracy over steps, snapshots and averages marked."""

from collections.abc import Collection
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from landscape.figures.marks import escape
from landscape.figures.screen_frame import plain_frame
from landscape.figures.series import PANELS, History, Series, kept_steps, training_series
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, MARK_LINE, PAPER, SPLIT_COLORS

_SHAPES = {"train": "circle", "test": "diamond"}


def draw_training(
    history: History,
    style: FigureStyle | None = None,
    *,
    title: str = "",
    snapshots: Collection[float] | None = None,
    starts: Collection[float] = (),
) -> go.Figure:
    """Three panels over the optimiser's steps; empty ones for an empty history.

    Args:
        history: As `Run.history`; see `training_series`.
        style: Only `dark` is used.
        title: The line above; escaped here.
        snapshots: Steps of the checkpoints that are the recipe's snapshots; None for all of them.
        starts: Steps after which another network begins, as in a family of networks.
    """
    style = style or FigureStyle()
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.045, row_heights=[0.22, 0.42, 0.36]
    )
    figure.update_layout(plain_frame(title, "", dark=style.dark).layout)
    series = training_series(history, snapshots=snapshots, starts=starts)
    seen: set[str] = set()
    for one in series:
        # Loss and accuracy share their entries; the learning rate stands alone in its panel.
        entry = one.panel > 0 and one.kind != "checkpoint" and one.name not in seen
        figure.add_trace(_trace(one, style, entry=entry), row=one.panel + 1, col=1)
        seen.add(one.name)
    for step in kept_steps(history, snapshots):
        line = {"width": 1, "dash": "dot", "color": INK[style.dark]}
        figure.add_vline(step, line=line, opacity=0.35)
    for step in starts:
        figure.add_vline(float(step), line={"width": 1.5, "color": INK[style.dark]}, opacity=0.5)
    for panel, name in enumerate(PANELS):
        figure.update_yaxes(title={"text": escape(name), "font": {"size": 14}}, row=panel + 1, col=1)
    figure.update_yaxes(type="log", row=2, col=1)
    figure.update_yaxes(tickformat=".0%", row=3, col=1)
    figure.update_xaxes(title_text="optimiser step", row=3, col=1)
    figure.update_layout(height=720, hovermode="x unified")
    return figure


def _trace(series: Series, style: FigureStyle, *, entry: bool) -> go.Scatter:
    return go.Scatter(
        x=series.step,
        y=series.values,
        name=series.name,
        legendgroup=series.name,
        showlegend=entry,
        hovertemplate="%{y:.2%}" if series.panel == 2 else "%{y:.4g}",
        connectgaps=False,
        **_looks(series, style),
    )


def _looks(series: Series, style: FigureStyle) -> dict[str, Any]:
    color = SPLIT_COLORS["dark" if style.dark else "light"][series.split]
    if series.kind == "curve":
        per_epoch = series.split == "test"
        return {
            "mode": "lines",
            "line": {"color": color, "width": 2 if per_epoch else 1.2},
            "opacity": 0.9 if per_epoch else 0.75,
        }
    if series.kind == "average":
        rim = {"width": 1.8, "color": color}
        return {
            "mode": "markers",
            "marker": {"symbol": "star", "size": 13, "color": PAPER[style.dark], "line": rim},
        }
    size = 10 if series.kind == "snapshot" else 6
    return {
        "mode": "markers",
        "marker": {
            "color": color,
            "size": size,
            "symbol": _SHAPES[series.split] + ("" if series.kind == "snapshot" else "-open"),
            "line": {"width": 1, "color": MARK_LINE if series.kind == "snapshot" else color},
        },
    }
