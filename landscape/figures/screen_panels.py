"""Several panels in one plotly figure, each with its title inside the room of the figure."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from landscape.figures.groups import Grid
from landscape.figures.marks import escape
from landscape.figures.screen_frame import frame
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK

# Pixels. Ours: chosen by eye.
_ABOVE = 84  # all panels
_TITLE = 30  # above one panel, for its own title


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """Room between and under panels.

    Attributes:
        across: Between columns, as a fraction of the figure's width.
        down: Between rows, in pixels.
        below: Under all panels, in pixels.
    """

    across: float
    down: int
    below: int = 64


def panel_frame(
    result: xr.Dataset, style: FigureStyle, titles: list[str], *, grid: Grid, height: int, spacing: Spacing
) -> go.Figure:
    """An empty figure with one pair of axes per panel.

    Args:
        result: Gives the title above and the conditions under it.
        style: How to draw.
        titles: The panels' titles, escaped here; "" for none.
        grid: Where the panels stand.
        height: Of one panel, in pixels.
        spacing: Room between panels.
    """
    strip = _TITLE if any(titles) else 0
    inner = grid.rows * (height + strip) + (grid.rows - 1) * spacing.down
    specs = [
        [{} if row * grid.columns + column < grid.count else None for column in range(grid.columns)]
        for row in range(grid.rows)
    ]
    figure = make_subplots(
        rows=grid.rows,
        cols=grid.columns,
        specs=specs,
        horizontal_spacing=spacing.across if grid.columns > 1 else 0,
        vertical_spacing=(spacing.down + strip) / inner if grid.rows > 1 else 0,
    )
    figure.update_layout(frame(result, style).layout)
    figure.update_layout(height=inner + _ABOVE + spacing.below, margin={"t": _ABOVE, "b": spacing.below})
    # Room for the titles of the first row too: above the panels there may be none, where the figure is embedded.
    lower = 1 - strip / inner
    figure.for_each_yaxis(lambda axis: axis.update(domain=[end * lower for end in axis.domain]))
    for panel, title in enumerate(titles):
        if title:
            _add_title(figure, title, row_column=grid.at(panel), dark=style.dark)
    return figure


def add_axis_title(figure: go.Figure, text: str, *, dark: bool, below: int = 40) -> None:
    """One title for the horizontal axes of all panels; `text` is ours and may hold plotly's markup."""
    figure.add_annotation(
        text=text,
        xref="paper",
        yref="paper",
        x=0.5,
        y=0,
        yshift=-below,
        xanchor="center",
        yanchor="middle",
        showarrow=False,
        font={"size": 14, "color": INK[dark]},
    )


def _add_title(figure: go.Figure, title: str, *, row_column: tuple[int, int], dark: bool) -> None:
    row, column = row_column
    axes: Any = figure.get_subplot(row + 1, column + 1)
    across, up = axes.xaxis.domain, axes.yaxis.domain
    figure.add_annotation(
        text=f"<b>{escape(title)}</b>",
        xref="paper",
        yref="paper",
        x=(across[0] + across[1]) / 2,
        y=up[1],
        xanchor="center",
        yanchor="bottom",
        yshift=3,
        showarrow=False,
        font={"size": 14, "color": INK[dark]},
    )
