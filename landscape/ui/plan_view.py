"""A small picture of the learning rate that a training run will have."""

import numpy as np
import plotly.graph_objects as go

from landscape.core.training_requests import TrainingFields
from landscape.figures.theme import BLUE, MARK_FILL, MARK_LINE, SKY, template
from landscape.service.plans import PlannedRates, planned_rates, steps_per_epoch_of
from landscape.ui.chart import show_chart
from landscape.ui.pictures import dark_theme
from landscape.ui.text import plural

_HEIGHT = 190  # pixels
_MOST_POINTS = 1200  # of the curve; a form is no place for a megabyte of JSON
_STEPS = 20  # per epoch and cycle, where the data must be opened to know better: enough for a smooth curve


def show_plan(request: TrainingFields) -> None:
    """Draw the planned learning rate, with the snapshots marked.

    Raises:
        RequestError: The recipe's cycles do not fit into its epochs.
        DataError: The data are named with an impossible modifier.
    """
    planned = planned_rates(request, steps_per_epoch_of(request) or _STEPS * request.cycles)
    kept = sum(mark.kind == "snapshot" for mark in planned.marks)
    show_chart(
        str(draw_plan(planned, dark=dark_theme()).to_json()),
        key="plan_figure",
        view="plan",
        alt=f"The planned learning rate over {planned.epochs[-1]:.0f} epochs, with {plural(kept, 'snapshot')}.",
        height=_HEIGHT,
    )


def draw_plan(planned: PlannedRates, *, dark: bool) -> go.Figure:
    """The rate over the epochs, thinned to what can be seen, and a mark for each snapshot."""
    shown = _corners(planned.rates)
    last = planned.epochs[-1] + planned.epochs[1] if len(planned.epochs) > 1 else 1.0
    marks = [mark for mark in planned.marks if mark.kind == "snapshot"]
    at = np.searchsorted(planned.epochs, [mark.epoch for mark in marks]) - 1
    figure = go.Figure(
        [
            go.Scatter(
                x=planned.epochs[shown],
                y=planned.rates[shown],
                mode="lines",
                line={"color": SKY if dark else BLUE, "width": 1.8},
                hovertemplate="epoch %{x:.3g}: %{y:.4g}<extra></extra>",
            ),
            go.Scatter(
                x=[mark.epoch for mark in marks],
                y=planned.rates[at],
                text=[mark.label for mark in marks],
                mode="markers",
                marker={"color": MARK_FILL, "size": 8, "line": {"width": 1.5, "color": MARK_LINE}},
                hovertemplate="%{text}<extra></extra>",
            ),
        ]
    )
    figure.update_layout(
        template=template(dark=dark),
        meta="small",  # chart.js: there is no legend that would need room in a narrow window
        showlegend=False,
        margin={"l": 58, "r": 12, "t": 8, "b": 36},
        xaxis={"range": [-0.01 * last, 1.01 * last], "showgrid": False, "zeroline": False},
        yaxis={"rangemode": "tozero", "nticks": 5, "tickformat": ".3~g", "zeroline": False},
    )
    figure.update_xaxes(title={"text": "epoch", "standoff": 2, "font": {"size": 12}}, tickfont={"size": 11})
    figure.update_yaxes(
        title={"text": "learning rate", "standoff": 6, "font": {"size": 12}}, tickfont={"size": 11}
    )
    return figure


def _corners(rates: np.ndarray) -> np.ndarray:
    """Indices of a thinned curve, which keeps both sides of every jump."""
    even = np.linspace(0, len(rates) - 1, min(len(rates), _MOST_POINTS)).round().astype(int)
    jumps = np.flatnonzero(np.abs(np.diff(rates)) > 0.02 * rates.max())[:_MOST_POINTS]
    return np.union1d(even, np.concatenate([jumps, jumps + 1]))
