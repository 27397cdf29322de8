"""A line for print: train and test over t."""

import xarray as xr
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from landscape.core.requests import SPLITS
from landscape.figures.marks import marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.print_frame import add_legend, draw_marks, new_figure
from landscape.figures.profile import profile_axis
from landscape.figures.style import FigureStyle
from landscape.figures.texts import (
    axis_titles,
    conditions,
    line_notes,
    quantity_name,
    title,
)
from landscape.figures.theme import INK, SPLIT_COLORS


def draw_line_print(result: xr.Dataset, style: FigureStyle) -> Figure:
    """Both curves with the checkpoints marked; where a value is missing or infinite the curve is broken."""
    drawn = drawn_part(result)
    axis = profile_axis(drawn, style)
    marks = marks_of(result, style.split)
    figure = new_figure(
        title(result, style), conditions(result, style), width=style.width, body=0.62 * style.width
    )
    axes = figure.add_subplot()
    handles: list[Artist] = []
    for split in SPLITS:
        values = drawn[style.measure].sel(split=split).values
        handles += axes.plot(
            drawn["t"].values,
            axis.position(values),
            color=SPLIT_COLORS["dark" if style.dark else "light"][split],
            linestyle="-" if split == "train" else (0, (4, 2)),
            marker="o",
            markersize=2,
            linewidth=1.5,
            label=f"{split} {style.measure}",
        )
    for mark in marks:
        axes.axvline(mark.x, color=INK[style.dark], linewidth=0.6, linestyle=":", zorder=1)
    places = [(mark.x, float(axis.position(mark.value(style.measure)))) for mark in marks]
    handles += draw_marks(axes, marks, places)
    notes = "\n".join(line_notes(result, drawn[style.measure].values, style))
    axes.text(0.015, 0.98, notes, transform=axes.transAxes, va="top", fontsize=7.5)

    t = result["t"].values
    room = 0.03 * (t[-1] - t[0])
    axes.set(xlim=(t[0] - room, t[-1] + room), ylim=axis.limits)
    axes.set_yticks([place for place, _ in axis.ticks], labels=[text for _, text in axis.ticks])
    axes.grid(visible=True, linewidth=0.5)
    axes.set_xlabel(axis_titles(result)[0])
    axes.set_ylabel(quantity_name(style.measure))
    add_legend(figure, handles)
    return figure
