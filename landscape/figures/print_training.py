"""A training history for print: learning rate, loss and accuracy over steps, snapshots and averages marked."""

from collections.abc import Collection
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from landscape.figures.print_frame import add_legend, new_figure, print_settings
from landscape.figures.series import PANELS, History, Series, kept_steps, training_series
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, MARK_LINE, PAPER, SPLIT_COLORS

_SHAPES = {"train": "o", "test": "D"}


def draw_training_print(
    history: History,
    style: FigureStyle | None = None,
    *,
    title: str = "",
    snapshots: Collection[float] | None = None,
    starts: Collection[float] = (),
) -> Figure:
    """The panels of `draw_training` as a matplotlib figure; `dark` and `width` of the style are used."""
    style = style or FigureStyle()
    with print_settings(dark=style.dark):
        figure = new_figure(title, "", width=style.width, body=max(0.95 * style.width, 4.4))
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(0.22, 0.42, 0.36))
        handles: dict[str, Artist] = {}
        for series in training_series(history, snapshots=snapshots, starts=starts):
            handle = _draw(panels[series.panel], series, style)
            # Loss and accuracy share their entries; the learning rate stands alone in its panel.
            if series.panel > 0 and series.kind != "checkpoint":
                handles.setdefault(series.name, handle)
        for axes, name in zip(panels, PANELS, strict=True):
            axes.set_ylabel(name)
            axes.grid(visible=True, linewidth=0.5)
            for step in kept_steps(history, snapshots):
                axes.axvline(step, color=INK[style.dark], linewidth=0.5, linestyle=":", zorder=1)
            for step in starts:
                axes.axvline(float(step), color=INK[style.dark], linewidth=0.9, alpha=0.6, zorder=1)
        if handles:
            panels[1].set_yscale("log")
        panels[2].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[2].set_xlabel("optimiser step")
        figure.align_ylabels(panels)
        add_legend(figure, list(handles.values()))
    return figure


def _draw(axes: Axes, series: Series, style: FigureStyle) -> Artist:
    (handle,) = axes.plot(series.step, series.values, label=series.name, **_looks(series, style))
    return handle


def _looks(series: Series, style: FigureStyle) -> dict[str, Any]:
    color = SPLIT_COLORS["dark" if style.dark else "light"][series.split]
    if series.kind == "curve":
        per_epoch = series.split == "test"
        return {"color": color, "linewidth": 1.3 if per_epoch else 0.9, "alpha": 0.95 if per_epoch else 0.75}
    marks: dict[str, Any] = {"linestyle": "none", "zorder": 5, "markeredgewidth": 0.6}
    if series.kind == "average":
        faces = {"markerfacecolor": PAPER[style.dark], "markeredgecolor": color}
        return {**marks, **faces, "marker": "*", "markersize": 8.5, "markeredgewidth": 1.0, "zorder": 6}
    if series.kind == "checkpoint":
        faces = {"markerfacecolor": "none", "markeredgecolor": color}
        return {**marks, **faces, "marker": _SHAPES[series.split], "markersize": 3}
    return {
        **marks,
        "marker": _SHAPES[series.split],
        "markersize": 5,
        "color": color,
        "markeredgecolor": MARK_LINE,
    }
