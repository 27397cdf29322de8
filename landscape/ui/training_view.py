"""How a run was trained, as a chart."""

from landscape.figures import FigureStyle, draw_training
from landscape.service.library import RunEntry
from landscape.ui.chart import show_chart
from landscape.ui.pictures import dark_theme


def show_training(entry: RunEntry, *, key: str) -> None:
    """Draw learning rate, loss and accuracy of a run; nothing where its records cannot be read.

    Args:
        entry: The run.
        key: Key of the chart.
    """
    if entry.run is None:
        return
    figure = draw_training(entry.run.history, FigureStyle(dark=dark_theme()))
    show_chart(
        str(figure.to_json()),
        key=key,
        view=f"run {entry.name}",
        alt=f"Learning rate, loss and accuracy over the steps of the run {entry.name}.",
        height=560,
    )
