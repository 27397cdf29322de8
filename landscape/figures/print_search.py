"""A search for print: parallel coordinates of the trials, and the validation error over each setting."""

from typing import Any

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figures.groups import grid_of
from landscape.figures.marks import escape_print
from landscape.figures.print_frame import add_legend, new_figure
from landscape.figures.print_panels import dress_values
from landscape.figures.search import (
    ERROR_NAME,
    STAGE_DASHES,
    STAGE_SYMBOLS_PRINT,
    STAGE_WIDTHS,
    SearchPicture,
    SettingAxis,
    Trial,
    search_picture,
)
from landscape.figures.style import FigureStyle
from landscape.figures.texts import conditions, title
from landscape.figures.theme import DIVERGED, INK, MARK_LINE, MISSING, PAPER, PRINT_DASHES, rgb

# Inches. Ours: chosen by eye.
_PARALLEL, _PANEL = 2.5, 1.9


def draw_search_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """Every trial as a line across its settings to its error; below, the error over each setting."""
    picture = search_picture(result, style)
    grid = grid_of(len(picture.axes), style.columns, width=style.width)
    body = _PARALLEL + grid.rows * _PANEL + 0.1
    figure = new_figure(title(result, style), conditions(result, style), width=style.width, body=body)
    cells = figure.add_gridspec(1 + grid.rows, grid.columns, height_ratios=[_PARALLEL, *[_PANEL] * grid.rows])
    _draw_parallel(figure.add_subplot(cells[0, :]), picture, style)
    handles: list[Artist] = []
    for place, axis in enumerate(picture.axes):
        row, column = grid.at(place)
        axes = figure.add_subplot(cells[row + 1, column])
        found = _draw_panel(axes, picture, place, style)
        handles = handles or found
        _dress_panel(axes, axis, style)
        dress_values(axes, picture.errors, labels=column == 0)
        axes.set_ylabel(ERROR_NAME if column == 0 else "")
    add_legend(figure, handles)
    return figure


def _draw_parallel(axes: Axes, picture: SearchPicture, style: FigureStyle) -> None:
    for trial in picture.trials:
        _draw_line(axes, picture, trial, style)
    low, high = picture.errors.limits
    errors = [((place - low) / (high - low), text) for place, text in picture.errors.ticks]
    columns = [*((axis.name, axis.ticks(5)) for axis in picture.axes), (ERROR_NAME, errors)]
    ink, settings = INK[style.dark], len(picture.axes)
    for place, (name, ticks) in enumerate(columns):
        axes.plot([place, place], [0, 1], color=ink, linewidth=0.9, zorder=4, clip_on=False)
        # Caps: here the range ends.
        for end in (0, 1) if place < settings else ():
            axes.plot(
                [place - 0.04, place + 0.04], [end, end], color=ink, linewidth=1.6, zorder=4, clip_on=False
            )
        axes.text(
            place,
            1.04,
            escape_print(name.replace(" ", "\n")),
            ha="center",
            va="bottom",
            fontsize=8,
            fontweight="bold",
        )
        for share, text in ticks:
            axes.text(
                place + (0.03 if place < settings else 0.08), share, text, fontsize=6.5, va="center", zorder=6,
                bbox={"facecolor": PAPER[style.dark], "edgecolor": "none", "alpha": 0.7, "pad": 0.6},
            )  # fmt: skip
    axes.set(xlim=(-0.2, settings + 0.35), ylim=(-0.03, 1.03))
    axes.axis("off")


def _draw_line(axes: Axes, picture: SearchPicture, trial: Trial, style: FigureStyle) -> None:
    """A trial without an error ends at the last setting, with a cross."""
    settings = len(picture.axes)
    behind = min(trial.behind, 3)
    color = _fraction(picture.color(trial)) if trial.is_finite else MISSING[style.dark]
    heights = [*trial.shares, *([picture.share(trial)] if trial.is_finite else [])]
    axes.plot(
        range(len(heights)),
        heights,
        color=color,
        linewidth=2.6 if trial.is_best else 0.6 * STAGE_WIDTHS[behind],
        linestyle=PRINT_DASHES[STAGE_DASHES[behind]],
        alpha=1.0 if behind == 0 else 0.75,
        zorder=3 if trial.is_best else 2,
    )
    if trial.is_best:
        axes.plot(
            [settings], [heights[-1]], marker="*", markersize=11, color=color, markeredgecolor=MARK_LINE,
            markeredgewidth=0.7, zorder=7, clip_on=False,
        )  # fmt: skip
    if not trial.is_finite:
        axes.plot(
            [settings - 1], [heights[-1]], marker="x", markersize=5, color=DIVERGED[style.dark], zorder=5
        )


def _draw_panel(axes: Axes, picture: SearchPicture, place: int, style: FigureStyle) -> list[Artist]:
    """The marks of one setting; returns the handles for the legend."""
    handles: list[Artist] = []
    for behind in range(len(picture.stage_epochs)):
        trials = picture.of_stage(behind)
        colors = [_fraction(picture.color(trial)) for trial in trials]
        shape = {"marker": STAGE_SYMBOLS_PRINT[min(behind, 3)], "s": 26 if behind == 0 else 18}
        faces: dict[str, Any] = (
            {"facecolors": colors} if behind == 0 else {"facecolors": "none", "edgecolors": colors}
        )
        axes.scatter(
            [trial.shares[place] for trial in trials], [picture.height(trial) for trial in trials], zorder=3,
            linewidths=0 if behind == 0 else 1, clip_on=False, **shape, **faces,
        )  # fmt: skip
        # Of its own, since colours differ from trial to trial.
        ink = INK[style.dark]
        handles += axes.plot(
            [], [], linestyle="none", marker=shape["marker"], markersize=6, markeredgecolor=ink,
            markerfacecolor=ink if behind == 0 else "none", label=picture.stage_name(behind),
        )  # fmt: skip
    if picture.without_error:
        handles += axes.plot(
            [trial.shares[place] for trial in picture.without_error],
            [picture.height(trial) for trial in picture.without_error],
            linestyle="none", marker="x", markersize=5, color=DIVERGED[style.dark], clip_on=False,
            label=f"failed ({len(picture.without_error):,})",
        )  # fmt: skip
    if picture.best is not None:
        handles += axes.plot(
            [picture.best.shares[place]], [picture.height(picture.best)], linestyle="none", marker="*", markersize=11,
            color=_fraction(picture.color(picture.best)), markeredgecolor=MARK_LINE, markeredgewidth=0.7, zorder=5,
            clip_on=False, label=f"best (trial {picture.best.number})",
        )  # fmt: skip
    return handles


def _dress_panel(axes: Axes, axis: SettingAxis, style: FigureStyle) -> None:
    for end, place in (("low", 0), ("high", 1)):
        if axis.best_at == end:
            axes.axvline(place, color=DIVERGED[style.dark], linewidth=1.6, zorder=1)
        else:
            axes.axvline(place, color=INK[style.dark], linewidth=0.6, linestyle=":", zorder=1)
    axes.set_xlim(-0.08, 1.08)
    axes.set_xticks([share for share, _ in axis.ticks(3)], labels=[text for _, text in axis.ticks(3)])
    axes.set_xlabel(escape_print(axis.name))


def _fraction(color: str) -> tuple[float, ...]:
    return tuple(part / 255 for part in rgb(color))
