"""A search for the screen: parallel coordinates of the trials, and the validation error over each setting."""

from typing import Any

import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from landscape.figures.groups import Grid, grid_of
from landscape.figures.marks import escape
from landscape.figures.screen_frame import frame
from landscape.figures.search import (
    ERROR_NAME,
    STAGE_DASHES,
    STAGE_SYMBOLS,
    STAGE_WIDTHS,
    SearchPicture,
    SettingAxis,
    Trial,
    search_picture,
)
from landscape.figures.style import FigureStyle
from landscape.figures.theme import DIVERGED, INK, MARK_LINE, MISSING, PAPER

# Pixels. Ours: chosen by eye.
_PARALLEL, _PANEL, _NAMES, _DOWN, _ABOVE, _BELOW = 300, 230, 44, 70, 84, 130


def draw_search(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """Every trial as a line across its settings to its error; below, the error over each setting."""
    picture = search_picture(result, style)
    grid = grid_of(len(picture.axes), style.columns)
    figure = _frame(result, style, grid)
    figure.add_traces([_line(picture, trial) for trial in picture.trials], rows=1, cols=1)
    _draw_parallel_axes(figure, picture, style)
    for place, axis in enumerate(picture.axes):
        row, column = grid.at(place)
        figure.add_traces(_points(picture, place, style), rows=row + 2, cols=column + 1)
        _dress_panel(figure, picture, axis, row_column=(row + 2, column + 1), style=style)
    return figure


def _frame(result: xr.Dataset, style: FigureStyle, grid: Grid) -> go.Figure:
    inner = _PARALLEL + _NAMES + grid.rows * (_PANEL + _DOWN)
    panels = [
        [{} if row * grid.columns + column < grid.count else None for column in range(grid.columns)]
        for row in range(grid.rows)
    ]
    figure = make_subplots(
        rows=1 + grid.rows,
        cols=grid.columns,
        specs=[[{"colspan": grid.columns}, *[None] * (grid.columns - 1)], *panels],
        row_heights=[_PARALLEL, *[_PANEL] * grid.rows],
        horizontal_spacing=0.03 if grid.columns > 1 else 0,
        vertical_spacing=_DOWN / inner,
    )
    figure.update_layout(frame(result, style).layout)
    figure.update_layout(height=inner + _ABOVE + _BELOW, margin={"t": _ABOVE, "b": _BELOW})
    # The names of the axes stand inside the room of the figure.
    lower = 1 - _NAMES / inner
    figure.for_each_yaxis(lambda axis: axis.update(domain=[end * lower for end in axis.domain]))
    return figure


def _line(picture: SearchPicture, trial: Trial) -> go.Scatter:
    """A trial without an error ends at the last setting, with a cross."""
    dark = picture.style.dark
    settings = len(picture.axes)
    width = 4.5 if trial.is_best else STAGE_WIDTHS[min(trial.behind, 3)]
    color = picture.color(trial) if trial.is_finite else MISSING[dark]
    ends = [0] * settings if trial.is_finite else [*[0] * (settings - 1), 9]
    return go.Scatter(
        x=list(range(settings + trial.is_finite)),
        y=[*trial.shares, *([picture.share(trial)] if trial.is_finite else [])],
        mode="lines+markers",
        line={"color": color, "width": width, "dash": STAGE_DASHES[min(trial.behind, 3)]},
        marker={
            "symbol": "star" if trial.is_best else "x",
            "size": [*[0] * settings, 16] if trial.is_best else [*ends, *([0] if trial.is_finite else [])],
            "color": color if trial.is_finite else DIVERGED[dark],
            "line": {"width": 1 if trial.is_best else 0, "color": MARK_LINE},
            "opacity": 1,
        },
        opacity=1.0 if trial.behind == 0 else 0.75,
        name=f"trial {trial.number}",
        showlegend=False,
        text=[_hover(trial)] * (settings + 1),
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _draw_parallel_axes(figure: go.Figure, picture: SearchPicture, style: FigureStyle) -> None:
    low, high = picture.errors.limits
    errors = [((place - low) / (high - low), text) for place, text in picture.errors.ticks]
    columns = [*((axis.name, axis.ticks(5)) for axis in picture.axes), (ERROR_NAME, errors)]
    ink = INK[style.dark]
    for place, (name, ticks) in enumerate(columns):
        shift = 4 if place < len(picture.axes) else 12  # beside the star of the best
        figure.add_shape(
            type="line", x0=place, x1=place, y0=0, y1=1, line={"color": ink, "width": 1.4}, row=1, col=1
        )
        # Caps: here the range ends.
        for end in (0, 1) if place < len(picture.axes) else ():
            figure.add_shape(
                type="line", x0=place - 0.05, x1=place + 0.05, y0=end, y1=end, line={"color": ink, "width": 2.4},
                row=1, col=1,
            )  # fmt: skip
        figure.add_annotation(
            text=f"<b>{_broken(name)}</b>", x=place, y=1, yshift=8, yanchor="bottom",
            xanchor="center", showarrow=False, font={"size": 12.5, "color": ink}, row=1, col=1,
        )  # fmt: skip
        for share, text in ticks:
            figure.add_annotation(
                text=text, x=place, y=share, xshift=shift, xanchor="left", yanchor="middle", showarrow=False,
                bgcolor=_see_through(PAPER[style.dark]), borderpad=1, font={"size": 11, "color": ink}, row=1, col=1,
            )  # fmt: skip
    last = len(picture.axes)
    figure.update_xaxes(range=[-0.25, last + 0.4], visible=False, row=1, col=1)
    figure.update_yaxes(range=[-0.03, 1.03], visible=False, row=1, col=1)


def _points(picture: SearchPicture, place: int, style: FigureStyle) -> list[go.Scatter]:
    traces = []
    for behind in range(len(picture.stage_epochs)):
        trials = picture.of_stage(behind)
        traces.append(
            _marks(
                picture,
                place,
                trials,
                {
                    "symbol": STAGE_SYMBOLS[min(behind, 3)],
                    "size": 10 if behind == 0 else 8,
                    "color": [picture.color(trial) for trial in trials],
                    "line": {"width": 0 if behind == 0 else 1.6},
                },
                picture.stage_name(behind),
            )
        )
    lost = picture.without_error
    if lost:
        marker = {"symbol": "x", "size": 9, "color": DIVERGED[style.dark]}
        traces.append(_marks(picture, place, lost, marker, f"failed ({len(lost):,})"))
    if picture.best is not None:
        marker = {
            "symbol": "star",
            "size": 17,
            "color": picture.color(picture.best),
            "line": {"width": 1.2, "color": MARK_LINE},
        }
        traces.append(_marks(picture, place, [picture.best], marker, f"best (trial {picture.best.number})"))
    return traces


def _marks(picture: SearchPicture, place: int, trials: list[Trial], marker: dict, name: str) -> go.Scatter:
    return go.Scatter(
        x=[trial.shares[place] for trial in trials],
        y=[picture.height(trial) for trial in trials],
        mode="markers",
        marker=marker,
        name=name,
        legendgroup=name,
        showlegend=place == 0,
        text=[_hover(trial) for trial in trials],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


def _dress_panel(
    figure: go.Figure,
    picture: SearchPicture,
    axis: SettingAxis,
    *,
    row_column: tuple[int, int],
    style: FigureStyle,
) -> None:
    row, column = row_column
    where: dict[str, Any] = {"row": row, "col": column}
    for end, place in (("low", 0), ("high", 1)):
        at_best = axis.best_at == end
        figure.add_vline(
            place,
            line={
                "width": 2.5 if at_best else 1,
                "dash": "solid" if at_best else "dot",
                "color": DIVERGED[style.dark] if at_best else INK[style.dark],
            },
            layer="below",
            **where,
        )
    figure.update_xaxes(
        title_text=_broken(axis.name),
        range=[-0.08, 1.08],
        tickvals=[share for share, _ in axis.ticks(3)],
        ticktext=[text for _, text in axis.ticks(3)],
        tickangle=0,
        tickfont_size=12,
        showgrid=False,
        **where,
    )
    figure.update_yaxes(
        title_text=ERROR_NAME if column == 1 else None,
        tickvals=[place for place, _ in picture.errors.ticks],
        ticktext=[text for _, text in picture.errors.ticks],
        showticklabels=column == 1,
        range=list(picture.errors.limits),
        **where,
    )


def _hover(trial: Trial) -> str:
    first, *others = trial.words
    return "<br>".join([f"<b>{escape(first)}</b>", *map(escape, others)])


def _broken(name: str) -> str:
    """One word a line: names stand beside each other."""
    return "<br>".join(escape(name).split())


def _see_through(color: str) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.75)"
