"""A training history for print: learning rate, loss and accuracy over steps, checkpoints marked."""

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from landscape.figures.print_frame import add_legend, new_figure, print_settings
from landscape.figures.series import PANELS, History, Series, training_series
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, MARK_LINE, SPLIT_COLORS

_SHAPES = {"train": "o", "test": "D"}


def draw_training_print(history: History, style: FigureStyle | None = None, *, title: str = "") -> Figure:
    """The panels of `draw_training` as a matplotlib figure; `dark` and `width` of the style are used."""
    style = style or FigureStyle()
    with print_settings(dark=style.dark):
        figure = new_figure(title, "", width=style.width, body=0.95 * style.width)
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(0.22, 0.42, 0.36))
        handles: list[Artist] = []
        for series in training_series(history):
            handle = _draw(panels[series.panel], series, style)
            # Loss and accuracy share their entries; the learning rate stands alone in its panel.
            if series.panel == 1:
                handles.append(handle)
        for axes, name in zip(panels, PANELS, strict=True):
            axes.set_ylabel(name)
            axes.grid(visible=True, linewidth=0.5)
            for step in history.get("checkpoint_step", ()):
                axes.axvline(float(step), color=INK[style.dark], linewidth=0.5, linestyle=":", zorder=1)
        if handles:
            panels[1].set_yscale("log")
        panels[2].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[2].set_xlabel("optimiser step")
        figure.align_ylabels(panels)
        add_legend(figure, handles)
    return figure


def _draw(axes: Axes, series: Series, style: FigureStyle) -> Artist:
    color = SPLIT_COLORS["dark" if style.dark else "light"][series.split]
    if series.kind == "curve":
        (handle,) = axes.plot(
            series.step, series.values, color=color, linewidth=0.9, alpha=0.75, label=series.name
        )
    else:
        (handle,) = axes.plot(
            series.step,
            series.values,
            marker=_SHAPES[series.split],
            linestyle="none",
            markersize=5,
            color=color,
            markeredgecolor=MARK_LINE,
            markeredgewidth=0.6,
            zorder=5,
            label=series.name,
        )
    return handle
