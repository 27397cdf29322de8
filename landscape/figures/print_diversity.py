"""Matrices over pairs of checkpoints for print, side by side on one colour range: vector paths only."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape.figures.diversity import NOT_DEFINED, DiversityPicture, Square, diversity_picture
from landscape.figures.groups import grid_of
from landscape.figures.marks import escape_print
from landscape.figures.print_panels import panel_figure
from landscape.figures.print_plane import color_map
from landscape.figures.style import FigureStyle
from landscape.figures.texts import quantity_name
from landscape.figures.theme import GRID, INK, PAPER, rgb

# Inches: round a panel, its ticks; the colour bar under all. Ours: chosen by eye.
_AROUND, _BAR = 0.55, 1.1


def draw_diversity_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """One matrix per group, or one of all pairs; the first checkpoint is the first row and stands at the top."""
    picture = diversity_picture(result, style)
    grid = grid_of(len(picture.squares), style.columns, width=style.width)
    side = min(style.width / grid.columns - _AROUND, 3.6)
    figure, cells = panel_figure(
        result, style, [square.title for square in picture.squares], grid=grid, height=side + 0.25, below=_BAR
    )
    for place, (axes, square) in enumerate(zip(cells, picture.squares, strict=True)):
        _draw(axes, picture, square, side, style)
        if not square.borders:
            axes.set_xlabel("checkpoint" if grid.is_lowest(place) else "")
            axes.set_ylabel("checkpoint" if grid.at(place)[1] == 0 else "")
    bar = figure.colorbar(
        ScalarMappable(Normalize(picture.low, picture.high), color_map(picture.stops)),
        ax=cells, location="bottom", shrink=min(1.0, 3.2 / style.width), aspect=28, pad=0.04,
    )  # fmt: skip
    if bar.solids is not None:
        bar.solids.set_rasterized(False)
        bar.solids.set_edgecolor("face")  # else viewers show the paper between the colours
    bar.set_label(f"{style.split} {quantity_name(picture.quantity)}")
    bar.set_ticks([value for value, _ in picture.ticks], labels=[text for _, text in picture.ticks])
    bar.minorticks_off()
    bar.outline.set(linewidth=0.5)
    return figure


def _draw(axes: Axes, picture: DiversityPicture, square: Square, side: float, style: FigureStyle) -> None:
    count = len(square.places)
    edges = np.arange(count + 1) - 0.5
    diagonal = np.eye(count, dtype=bool)
    paper, grid = _of_hex(PAPER[style.dark]), _of_hex(GRID[style.dark])
    colors = np.array(
        [
            [
                _fraction(picture.color(value)) if np.isfinite(value) else (grid if same else paper)
                for value, same in zip(row, at, strict=True)
            ]
            for row, at in zip(square.between, diagonal, strict=True)
        ]
    )
    axes.pcolormesh(edges, edges, colors, edgecolors=PAPER[style.dark], linewidth=0.5)
    if square.is_written:
        _write(axes, picture, square, 72 * side / count, style)
    for border in square.borders:
        axes.axhline(border, color=INK[style.dark], linewidth=1)
        axes.axvline(border, color=INK[style.dark], linewidth=1)
    # Reversed: the first row at the top.
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), aspect="equal")
    places, texts = [place for place, _ in square.ticks], [escape_print(text) for _, text in square.ticks]
    long = max(map(len, texts)) > 3
    axes.set_xticks(places, labels=texts, rotation=30 if long else 0, ha="right" if long else "center")
    axes.set_yticks(places, labels=texts)
    axes.tick_params(length=0, labelsize=7)


def _write(axes: Axes, picture: DiversityPicture, square: Square, points: float, style: FigureStyle) -> None:
    """The values in the cells, as large as a cell of so many points allows."""
    texts = [[picture.cell(value) or NOT_DEFINED for value in row] for row in square.values]
    longest = max(len(text) for row in texts for text in row)
    size = min(8.0, points / (0.75 * longest))
    for (row, column), ink in np.ndenumerate(picture.inks(square)):
        axes.text(
            column, row, texts[row][column], ha="center", va="center_baseline", fontsize=size,
            color=ink or INK[style.dark],
        )  # fmt: skip


def _fraction(color: str) -> tuple[float, ...]:
    return tuple(part / 255 for part in rgb(color))


def _of_hex(color: str) -> tuple[float, ...]:
    return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
