"""What every plotly figure shares: title, template, the marks' legend, the frame that outlives a change of style."""

import plotly.graph_objects as go
import xarray as xr

from landscape.figures.marks import escape
from landscape.figures.style import FigureStyle
from landscape.figures.texts import conditions, title
from landscape.figures.theme import INK, template

# One constant: plotly then keeps zoom, camera and hidden traces through every change of the figure.
UIREVISION = "landscape"


def frame(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """An empty figure with the title, and the conditions of the evaluation under it."""
    return plain_frame(title(result, style), conditions(result, style), dark=style.dark)


def plain_frame(heading: str, below: str, *, dark: bool) -> go.Figure:
    """An empty figure with two lines of text above it; both are escaped here."""
    figure = go.Figure()
    figure.update_layout(
        template=template(dark=dark),
        title={"text": escape(heading), "subtitle": {"text": escape(below), "font": {"size": 12.5}}},
        uirevision=UIREVISION,
        hovermode="closest",
        height=600,
    )
    return figure


def add_note(figure: go.Figure, text: str, *, dark: bool) -> None:
    """A line inside the picture, top left; `text` is ours and may hold plotly's markup."""
    figure.add_annotation(
        text=text,
        xref="paper",
        yref="paper",
        x=0.01,
        y=0.99,
        xanchor="left",
        yanchor="top",
        showarrow=False,
        align="left",
        font={"size": 13, "color": INK[dark]},
    )
