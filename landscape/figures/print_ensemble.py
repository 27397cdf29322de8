"""Ensembles for print: one curve per group over the number of members."""

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figures.ensemble import Curve, EnsemblePicture, ensemble_picture, size_title
from landscape.figures.groups import Look, look_of
from landscape.figures.marks import escape_print
from landscape.figures.print_frame import add_legend, new_figure
from landscape.figures.print_panels import dress_values
from landscape.figures.style import FigureStyle
from landscape.figures.texts import conditions, quantity_name, title
from landscape.figures.theme import GRID, INK, PAPER, PRINT_DASHES

# Inches, and a share of the horizontal axis. Ours: chosen by eye.
_LABEL_HEIGHT, _LETTER_WIDTH = 0.14, 0.078
_FAINT = 0.4


def draw_ensemble_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """The quality of ensembles over their size, the members alone as faint marks, the average of the weights apart."""
    picture = ensemble_picture(result, style)
    height = 0.55 * style.width
    figure = new_figure(title(result, style), conditions(result, style), width=style.width, body=height + 0.4)
    axes = figure.add_subplot()
    looks = [look_of(curve.group.place, dark=style.dark) for curve in picture.curves]
    for curve, look in zip(picture.curves, looks, strict=True):
        _draw_members(axes, picture, curve, look)
    handles: list[Artist] = []
    for curve, look, place in zip(picture.curves, looks, picture.average_places(), strict=True):
        handles += axes.plot(
            [model.size for model in curve.ensembles],
            [picture.height(model) for model in curve.ensembles],
            color=look.color,
            linestyle=PRINT_DASHES[look.dash],
            marker=look.print_symbol,
            markersize=4.5,
            linewidth=1.4,
            label=escape_print(curve.group.title),
        )
        if curve.average is not None:
            axes.plot(
                [place], [picture.height(curve.average)], markersize=6.5,
                marker=r"$\uparrow$" if picture.is_above(curve.average) else look.print_symbol,
                markerfacecolor=PAPER[style.dark], markeredgecolor=look.color, markeredgewidth=1.4,
            )  # fmt: skip
    _dress(axes, picture, style)
    if picture.labelled:
        _draw_labels(axes, picture, looks, height, style)
    elif any(curve.group.title for curve in picture.curves):
        add_legend(figure, handles)
    return figure


def _draw_members(axes: Axes, picture: EnsemblePicture, curve: Curve, look: Look) -> None:
    for place, model in enumerate(curve.members):
        above = picture.is_above(model)
        axes.plot(
            [place + 1],
            [picture.height(model)],
            marker=r"$\uparrow$" if above else look.print_symbol,
            markersize=5 if above else 3.2,
            markerfacecolor="none" if above else look.color,
            markeredgecolor=look.color,
            markeredgewidth=0.8 if above else 0,
            alpha=_FAINT,
            zorder=1.5,
        )


def _draw_labels(
    axes: Axes, picture: EnsemblePicture, looks: list[Look], height: float, style: FigureStyle
) -> None:
    """The name of each group at the right of its curve, with a thin line to where the curve ends."""
    right = axes.get_xlim()[1]
    start = picture.largest + 0.15
    for curve, look, (end, label) in zip(
        picture.curves, looks, picture.label_heights(share=_LABEL_HEIGHT / height), strict=True
    ):
        axes.plot(
            [len(curve.ensembles) + 0.08, start + 0.1 * (right - start)], [end, label], color=INK[style.dark],
            linewidth=0.5, linestyle=":", alpha=0.7,
        )  # fmt: skip
        axes.text(
            start + 0.13 * (right - start), label, escape_print(curve.group.title), color=look.color, fontsize=8,
            fontweight="bold", va="center_baseline",
        )  # fmt: skip


def _dress(axes: Axes, picture: EnsemblePicture, style: FigureStyle) -> None:
    average, largest = picture.average_place, picture.largest
    left = average - 0.6 * (1 - average) if picture.has_averages else 0.5
    longest = max(len(curve.group.title) for curve in picture.curves)
    share = min(0.45, (longest * _LETTER_WIDTH + 0.3) / (style.width - 0.6)) if picture.labelled else 0.03
    axes.set_xlim(left, largest + share / (1 - share) * (largest - left))
    sizes = picture.size_ticks
    texts = [str(size) for size in sizes]
    if picture.has_averages:
        axes.axvline((average + 1) / 2, color=GRID[style.dark], linewidth=0.7)
        sizes, texts = [average, *sizes], ["weights\naveraged", *texts]
    axes.set_xticks(sizes, labels=texts)
    dress_values(axes, picture.axis, labels=True)
    axes.set_xlabel(size_title(style))
    axes.set_ylabel(f"{style.split} {quantity_name(style.quality)}")
