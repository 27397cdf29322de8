"""A training history for the screen: learning rate, loss and accuracy over steps, checkpoints marked."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from landscape.figures.marks import escape
from landscape.figures.screen_frame import plain_frame
from landscape.figures.series import PANELS, History, Series, training_series
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, MARK_LINE, SPLIT_COLORS

_SHAPES = {"train": "circle", "test": "diamond"}


def draw_training(history: History, style: FigureStyle | None = None, *, title: str = "") -> go.Figure:
    """Three panels over the optimiser's steps; empty ones for an empty history.

    Args:
        history: As `Run.history`.
        style: Only `dark` is used.
        title: The line above; escaped here.
    """
    style = style or FigureStyle()
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.045, row_heights=[0.22, 0.42, 0.36]
    )
    figure.update_layout(plain_frame(title, "", dark=style.dark).layout)
    for series in training_series(history):
        figure.add_trace(_trace(series, style), row=series.panel + 1, col=1)
    for step in history.get("checkpoint_step", ()):
        figure.add_vline(
            float(step), line={"width": 1, "dash": "dot", "color": INK[style.dark]}, opacity=0.35
        )
    for panel, name in enumerate(PANELS):
        figure.update_yaxes(title_text=escape(name), row=panel + 1, col=1)
    figure.update_yaxes(type="log", row=2, col=1)
    figure.update_yaxes(tickformat=".0%", row=3, col=1)
    figure.update_xaxes(title_text="optimiser step", row=3, col=1)
    figure.update_layout(height=720, hovermode="x unified")
    return figure


def _trace(series: Series, style: FigureStyle) -> go.Scatter:
    color = SPLIT_COLORS["dark" if style.dark else "light"][series.split]
    looks = (
        {"mode": "lines", "line": {"color": color, "width": 1.2}, "opacity": 0.75}
        if series.kind == "curve"
        else {
            "mode": "markers",
            "marker": {
                "color": color,
                "size": 10,
                "symbol": _SHAPES[series.split],
                "line": {"width": 1, "color": MARK_LINE},
            },
        }
    )
    return go.Scatter(
        x=series.step,
        y=series.values,
        name=series.name,
        # Loss and accuracy share their entries; the learning rate stands alone in its panel.
        legendgroup=series.name,
        showlegend=series.panel == 1,
        hovertemplate="%{y:.2%}" if series.panel == 2 else "%{y:.4g}",
        **looks,
    )
