"""Several runs in one picture for print: test accuracy and learning rate over the epochs spent."""

from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from landscape.figures.comparison import Comparison, RunCurve, comparison_of
from landscape.figures.groups import Look, look_of
from landscape.figures.marks import escape_print
from landscape.figures.print_frame import add_legend, new_figure, print_settings
from landscape.figures.series import History
from landscape.figures.style import FigureStyle
from landscape.figures.theme import INK, PAPER, PRINT_DASHES

_LABEL_HEIGHT, _LETTER_WIDTH = 0.14, 0.078  # inches


def compare_training_print(
    histories: Mapping[str, History], style: FigureStyle | None = None, *, title: str = ""
) -> Figure:
    """The panels of `compare_training` as a matplotlib figure; `dark` and `width` of the style are used.

    Raises:
        RequestError: There is no run, or one does not say how many epochs its steps are.
    """
    style = style or FigureStyle()
    comparison = comparison_of(histories)
    height = 0.72 * style.width
    with print_settings(dark=style.dark):
        figure = new_figure(title, "", width=style.width, body=height)
        accuracy, rates = figure.subplots(2, 1, sharex=True, height_ratios=(0.7, 0.3))
        looks = [look_of(place, dark=style.dark) for place in range(len(comparison.runs))]
        handles: list[Artist] = []
        for run, look in zip(comparison.runs, looks, strict=True):
            handles += _draw(accuracy, run, look, style)
            rates.plot(
                run.rate_epoch, run.rate, color=look.color, linewidth=0.9, linestyle=PRINT_DASHES[look.dash]
            )
        longest = max(len(run.title) for run in comparison.runs)
        share = (
            min(0.45, (longest * _LETTER_WIDTH + 0.25) / (style.width - 0.6)) if comparison.labelled else 0.03
        )
        accuracy.set(
            xlim=(-0.02 * comparison.epochs, comparison.epochs / (1 - share)),
            ylim=(comparison.low, comparison.high),
            ylabel="test accuracy",
        )
        accuracy.yaxis.set_major_formatter(PercentFormatter(1))
        rates.set(xlabel="epochs spent", ylabel="learning rate")
        rates.set_ylim(bottom=0)
        for axes in (accuracy, rates):
            axes.grid(visible=True, linewidth=0.5)
        figure.align_ylabels([accuracy, rates])
        if comparison.labelled:
            _draw_labels(accuracy, comparison, looks, 0.62 * height, style)
        else:
            add_legend(figure, handles)
    return figure


def _draw(axes: Axes, run: RunCurve, look: Look, style: FigureStyle) -> list[Artist]:
    """One run; returns the handle for the legend."""
    name = escape_print(run.title)
    dashes = PRINT_DASHES[look.dash]
    axes.plot(run.epoch, run.accuracy, color=look.color, linewidth=1.2, linestyle=dashes)
    axes.plot(
        run.kept_epoch,
        run.kept_accuracy,
        color=look.color,
        linestyle="none",
        marker=look.print_symbol,
        markersize=4,
    )
    axes.plot(
        run.average_epoch, run.average_accuracy, linestyle="none", marker="*", markersize=8.5,
        markerfacecolor=PAPER[style.dark], markeredgecolor=look.color, markeredgewidth=1, zorder=6,
    )  # fmt: skip
    return list(
        axes.plot(
            [], [], color=look.color, linestyle=dashes, marker=look.print_symbol, markersize=4, label=name
        )
    )


def _draw_labels(
    axes: Axes, comparison: Comparison, looks: list[Look], height: float, style: FigureStyle
) -> None:
    """The name of each run at the right of its curve, with a thin line to where the curve ends."""
    right = comparison.epochs
    places = comparison.label_heights(share=_LABEL_HEIGHT / height)
    for run, look, (end, label) in zip(comparison.runs, looks, places, strict=True):
        axes.plot(
            [float(run.epoch[-1]) + 0.01 * right, 1.025 * right], [end, label], color=INK[style.dark], linewidth=0.5,
            linestyle=":", alpha=0.7,
        )  # fmt: skip
        axes.text(
            1.035 * right, label, escape_print(run.title), color=look.color, fontsize=8, fontweight="bold",
            va="center_baseline",
        )  # fmt: skip
