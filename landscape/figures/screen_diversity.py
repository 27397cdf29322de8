"""Matrices over pairs of checkpoints for the screen, side by side on one colour range."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.figures.diversity import NOT_DEFINED, DiversityPicture, Square, diversity_picture
from landscape.figures.groups import Grid, grid_of
from landscape.figures.marks import escape, shorten
from landscape.figures.screen_panels import Spacing, add_axis_title, panel_frame
from landscape.figures.screen_plane import plotly_scale
from landscape.figures.style import FigureStyle
from landscape.figures.texts import quantity_name
from landscape.figures.theme import GRID, INK, PAPER, format_value

# Pixels: height of the panels by their number beside each other. Ours: chosen by eye.
_HEIGHTS = {1: 460, 2: 360, 3: 310}
# Pixels under the panels, and from the bottom to the title of the colour bar, which plotly would put over the bar.
_BELOW, _BAR_TITLE = 140, 66


def draw_diversity(result: xr.Dataset, style: FigureStyle) -> go.Figure:
    """One matrix per group, or one of all pairs; the first checkpoint is the first row and stands at the top.

    Every cell carries the places of its two checkpoints in the result as `customdata`.
    """
    picture = diversity_picture(result, style)
    grid = grid_of(len(picture.squares), style.columns)
    figure = panel_frame(
        result,
        style,
        [square.title for square in picture.squares],
        grid=grid,
        height=_HEIGHTS.get(grid.columns, 260),
        spacing=Spacing(across=0.06, down=44, below=_BELOW),
    )
    for place, square in enumerate(picture.squares):
        row, column = grid.at(place)
        figure.add_trace(_pairs(picture, square), row=row + 1, col=column + 1)
        figure.add_trace(_neutral(picture, square, style), row=row + 1, col=column + 1)
        if square.is_written:
            for trace in _texts(picture, square, style):
                figure.add_trace(trace, row=row + 1, col=column + 1)
    _dress(figure, picture, grid, style)
    name = f"{style.split} {quantity_name(picture.quantity)}"
    add_axis_title(figure, name, dark=style.dark, below=_BELOW - _BAR_TITLE)
    return figure


def _dress(figure: go.Figure, picture: DiversityPicture, grid: Grid, style: FigureStyle) -> None:
    for place, square in enumerate(picture.squares):
        row, column = grid.at(place)
        where: dict[str, Any] = {"row": row + 1, "col": column + 1}
        ticks = {
            "tickvals": [position for position, _ in square.ticks],
            "ticktext": [escape(text) for _, text in square.ticks],
            "showgrid": False,
            "ticks": "",
            "constrain": "domain",
        }
        ends = [-0.5, len(square.places) - 0.5]
        name = "" if square.borders else "checkpoint"
        figure.update_xaxes(range=ends, title_text=name if grid.is_lowest(place) else None, **ticks, **where)
        across = next(figure.select_xaxes(**where))
        anchor = across.plotly_name.replace("axis", "")
        # Reversed: the first row at the top.
        figure.update_yaxes(
            range=ends[::-1],
            scaleanchor=anchor,
            scaleratio=1,
            constraintoward="top",
            title_text=name if column == 0 else None,
            **ticks,
            **where,
        )
        for border in square.borders:
            line = {"color": INK[style.dark], "width": 1.5}
            figure.add_hline(border, line=line, **where)
            figure.add_vline(border, line=line, **where)
    figure.update_layout(
        coloraxis={
            "colorscale": plotly_scale(picture.stops),
            "cmin": picture.low,
            "cmax": picture.high,
            "colorbar": {
                "orientation": "h",
                "tickvals": [value for value, _ in picture.ticks],
                "ticktext": [text for _, text in picture.ticks],
                "thickness": 14,
                "outlinewidth": 0,
                "ticks": "outside",
                "len": 0.6,
                "x": 0.5,
                "xanchor": "center",
                "yref": "container",
                "y": 0,
                "ypad": 4,
                "yanchor": "bottom",
            },
        }
    )


def _pairs(picture: DiversityPicture, square: Square) -> go.Heatmap:
    return go.Heatmap(
        z=square.between,
        coloraxis="coloraxis",
        hovertext=_hover(picture, square),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        customdata=_customdata(square),
        xgap=1,
        ygap=1,
        name=picture.quantity,
    )


def _neutral(picture: DiversityPicture, square: Square, style: FigureStyle) -> go.Heatmap:
    """The diagonal, and the pairs without a number: neither has a colour on the scale."""
    count = len(square.places)
    diagonal = np.eye(count, dtype=bool)
    missing = ~np.isfinite(square.values) & ~diagonal
    return go.Heatmap(
        z=np.where(diagonal, 0.0, np.where(missing, 1.0, np.nan)),
        zmin=0,
        zmax=1,
        colorscale=[[0, GRID[style.dark]], [1, PAPER[style.dark]]],
        showscale=False,
        hovertext=_hover(picture, square),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        customdata=_customdata(square),
        xgap=1,
        ygap=1,
        name="diagonal",
    )


def _texts(picture: DiversityPicture, square: Square, style: FigureStyle) -> list[go.Heatmap]:
    """The values in the cells: clear matrices whose text plotly fits into the cells, one for each colour of text."""
    inks = picture.inks(square)
    inks[inks == ""] = INK[style.dark]
    texts = np.array(
        [[picture.cell(value) or NOT_DEFINED for value in row] for row in square.values], dtype=object
    )
    return [
        go.Heatmap(
            z=np.where(inks == ink, 0.0, np.nan),
            colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
            showscale=False,
            text=np.where(inks == ink, texts, ""),
            texttemplate="%{text}",
            textfont={"color": ink},
            hoverinfo="skip",
            name="values",
        )
        for ink in dict.fromkeys(inks.reshape(-1))
    ]


def _hover(picture: DiversityPicture, square: Square) -> np.ndarray:
    names = [escape(shorten(name)) for name in square.names]
    texts = np.empty(square.values.shape, dtype=object)
    for row, first in enumerate(names):
        for column, other in enumerate(names):
            value = float(square.values[row, column])
            words = format_value(value, picture.quantity) if np.isfinite(value) else "not defined"
            pair = (
                f"<b>{first}</b><br>with <b>{other}</b>" if row != column else f"<b>{first}</b> with itself"
            )
            texts[row, column] = f"{pair}<br>{quantity_name(picture.quantity)} {words}"
    return texts


def _customdata(square: Square) -> np.ndarray:
    places = np.array(square.places)
    return np.stack(np.broadcast_arrays(places[:, None], places[None, :]), axis=-1)
