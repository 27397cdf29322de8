"""How runs were trained, as charts."""

from collections.abc import Sequence

import streamlit as st

from landscape.core.errors import RequestError
from landscape.core.training_requests import FAMILIES
from landscape.figures import (
    FigureStyle,
    compare_training,
    comparison_alt,
    comparison_caption,
    draw_training,
    training_alt,
    training_caption,
)
from landscape.service.library import RunEntry, network_in_work, snapshots
from landscape.ui.chart import show_chart
from landscape.ui.pictures import dark_theme
from landscape.ui.text import plain

# Pixels above a figure whose title the page says; a comparison keeps its line of conditions.
_TOP, _TOP_OF_COMPARISON = 24, 48


def show_training(entry: RunEntry, *, key: str) -> None:
    """Draw learning rate, loss and accuracy of a run, as far as it has come, with its snapshots marked.

    Of a family that is still being trained, the network that was worked on last is drawn.

    Args:
        entry: The run.
        key: Key of the chart.
    """
    shown = network_in_work(entry) or entry
    if entry.run is None or shown.run is None:
        return
    history = shown.run.history
    if not history:
        st.caption("The curves come as soon as the first steps are made.")
        return
    if shown is not entry:
        number = shown.name.rpartition("-")[2]
        st.caption(
            f"Network {number} of {entry.run.request.cycles}; in the end all of them are drawn together."
        )
    steps = [float(kept.step) for kept in snapshots(shown) if kept.step is not None]
    # In a family each network ends where the next one begins.
    starts = steps[:-1] if shown.run.request.recipe in FAMILIES else []
    figure = draw_training(history, FigureStyle(dark=dark_theme()), snapshots=steps, starts=starts)
    figure.update_layout(margin_t=_TOP)
    show_chart(
        str(figure.to_json()),
        key=key,
        view=f"run {entry.name} {shown.name}",
        alt=f"{entry.name}: {training_alt(history)}",
        height=560,
    )
    st.caption(plain(training_caption(history, snapshots=steps, starts=starts)))


def show_comparison(entries: Sequence[RunEntry], *, key: str) -> None:
    """Draw the test accuracy of several runs over the epochs that they spent."""
    histories = {entry.name: entry.run.history for entry in entries if entry.run is not None}
    try:
        figure = compare_training(histories, FigureStyle(dark=dark_theme()))
    except RequestError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    figure.update_layout(margin_t=_TOP_OF_COMPARISON)
    show_chart(
        str(figure.to_json()),
        key=key,
        view=f"runs {' '.join(histories)}",
        alt=comparison_alt(histories),
        height=600,
    )
    st.caption(plain(comparison_caption(histories)))
