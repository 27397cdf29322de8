"""Several runs in one picture for the screen: test accuracy and learning rate over the epochs spent."""

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from landscape.figures.comparison import Comparison, RunCurve, comparison_of
from landscape.figures.groups import Look, look_of
from landscape.figures.marks import escape
from landscape.figures.screen_frame import plain_frame
from landscape.figures.series import History
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, PAPER

# Pixels, and the share of the horizontal axis that names take. Ours: chosen by eye.
_HEIGHT, _LABEL_HEIGHT, _LABEL_ROOM = 640, 17, 0.2


def compare_training(
    histories: Mapping[str, History], style: FigureStyle | None = None, *, title: str = ""
) -> go.Figure:
    """Test accuracy of several runs over the epochs spent, and their learning rates.

    Args:
        histories: As `Run.history`, by the name of each run; the first is drawn first.
        style: Only `dark` is used.
        title: The line above; escaped here.

    Raises:
        RequestError: There is no run, or one does not say how many epochs its steps are.
    """
    style = style or FigureStyle()
    comparison = comparison_of(histories)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.7, 0.3])
    below = "marks: checkpoints" + (
        " · open stars: weights averaged" if any(len(run.average_epoch) for run in comparison.runs) else ""
    )
    figure.update_layout(plain_frame(title, below, dark=style.dark).layout)
    looks = [look_of(place, dark=style.dark) for place in range(len(comparison.runs))]
    for run, look in zip(comparison.runs, looks, strict=True):
        figure.add_traces(_accuracies(run, look, style, entry=not comparison.labelled), rows=1, cols=1)
        figure.add_trace(_rate(run, look), row=2, col=1)
    if comparison.labelled:
        figure.add_traces(_labels(comparison, looks, style), rows=1, cols=1)
    _dress(figure, comparison)
    return figure


def _dress(figure: go.Figure, comparison: Comparison) -> None:
    room = _LABEL_ROOM if comparison.labelled else 0.03
    figure.update_xaxes(range=[-0.02 * comparison.epochs, comparison.epochs * (1 + room)])
    figure.update_xaxes(title_text="epochs spent", row=2, col=1)
    figure.update_yaxes(
        title_text="test accuracy", tickformat=".1~%", range=[comparison.low, comparison.high], row=1, col=1
    )
    figure.update_yaxes(title_text="learning rate", rangemode="tozero", nticks=4, row=2, col=1)
    figure.update_layout(height=_HEIGHT, margin_b=64 if comparison.labelled else 110)


def _accuracies(run: RunCurve, look: Look, style: FigureStyle, *, entry: bool) -> list[go.Scatter]:
    name = escape(run.title)
    shared = {
        "legendgroup": name,
        "hovertemplate": f"<b>{name}</b><br>%{{x:.4g}} epochs<br>%{{y:.2%}}<extra></extra>",
    }
    curve = go.Scatter(
        x=run.epoch,
        y=run.accuracy,
        mode="lines",
        line={"color": look.color, "width": 2, "dash": look.dash},
        name=name,
        showlegend=entry,
        **shared,
    )
    kept = go.Scatter(
        x=run.kept_epoch,
        y=run.kept_accuracy,
        mode="markers",
        marker={"symbol": look.symbol, "size": 8, "color": look.color},
        name=f"{name}, checkpoints",
        showlegend=False,
        **shared,
    )
    rim = {"width": 2, "color": look.color}
    averages = go.Scatter(
        x=run.average_epoch,
        y=run.average_accuracy,
        mode="markers",
        marker={"symbol": "star", "size": 13, "color": PAPER[style.dark], "line": rim},
        name=f"{name}, weights averaged",
        showlegend=False,
        **shared,
    )
    return [curve, kept, averages] if len(run.average_epoch) else [curve, kept]


def _rate(run: RunCurve, look: Look) -> go.Scatter:
    name = escape(run.title)
    return go.Scatter(
        x=run.rate_epoch,
        y=run.rate,
        mode="lines",
        line={"color": look.color, "width": 1.4, "dash": look.dash},
        name=f"{name}, learning rate",
        legendgroup=name,
        showlegend=False,
        hovertemplate=f"<b>{name}</b><br>%{{x:.4g}} epochs<br>learning rate %{{y:.4g}}<extra></extra>",
    )


def _labels(comparison: Comparison, looks: list[Look], style: FigureStyle) -> list[go.Scatter]:
    """The name of each run at the right of its curve, with a thin line to where the curve ends."""
    right = comparison.epochs
    places = comparison.label_heights(share=_LABEL_HEIGHT / (0.66 * (_HEIGHT - 150)))
    traces = []
    for run, look, (end, label) in zip(comparison.runs, looks, places, strict=True):
        traces.append(
            go.Scatter(
                x=[float(run.epoch[-1]) + 0.01 * right, 1.025 * right],
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
                x=[1.03 * right],
                y=[label],
                mode="text",
                text=[f"<b>{escape(run.title)}</b>"],
                textposition="middle right",
                textfont={"size": 12, "color": look.color},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )
        )
    return traces
