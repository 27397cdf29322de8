"""The panel beside the figure: the clicked point in numbers, and the checkpoints."""

import math

import pandas as pd
import streamlit as st
import xarray as xr

from landscape.core.requests import MEASURES, Measure, Split
from landscape.figures.marks import marks_of
from landscape.figures.theme import format_value
from landscape.ui.probe import Reading, read_point
from landscape.ui.text import plain

_NAMES: dict[Measure, str] = {"nll": "Cross-entropy", "loss": "Loss", "error": "Error"}


def show_readout(result: xr.Dataset, place: tuple[float, float] | None, *, split: Split) -> bool:
    """Show what is known at a place, or how to choose one.

    Returns:
        Whether the reader wants the mark taken away.
    """
    reading = None if place is None else read_point(result, *place, split=split)
    cleared = False
    with st.container(border=True, key="readout"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("##### Point")
            if reading is not None:
                cleared = st.button("Clear", key="clear_point", type="tertiary", icon=":material/close:")
        if reading is None:
            st.caption("Click anywhere in the figure to read the values there.")
        else:
            _show_values(result, reading, split)
    with st.container(border=True, key="checkpoints_panel"):
        st.markdown("##### Checkpoints")
        _show_checkpoints(result, reading, split)
    return cleared


def _show_values(result: xr.Dataset, reading: Reading, split: Split) -> None:
    on_line = result.attrs["study"] == "line"
    place = f"t = {reading.x:.4g}" if on_line else f"alpha {reading.x:.4g} · beta {reading.y:.4g}"
    st.markdown(f"**{place}** · {split}")
    if reading.node is None:
        st.caption("Nothing has been evaluated yet.")
        return
    values = pd.DataFrame(
        {
            "": [_NAMES[name] for name in MEASURES],
            "nearest node": [format_value(reading.at_node[name], name) for name in MEASURES],
            "interpolated": [_interpolated(reading.interpolated[name], name) for name in MEASURES],
        }
    )
    st.table(values, border="horizontal", hide_index=True)
    node = f"t = {reading.node[0]:.4g}" if on_line else f"({reading.node[0]:.4g}, {reading.node[1]:.4g})"
    note = f"The nearest node of the grid is at {node}."
    if not reading.inside:
        note += " The clicked point lies outside the evaluated range."
    elif any(math.isnan(value) for value in reading.interpolated.values()):
        note += " Nothing is interpolated where a surrounding point is not evaluated or diverged."
    st.caption(note)


def _interpolated(value: float, measure: Measure) -> str:
    return "–" if math.isnan(value) else format_value(value, measure)  # noqa: RUF001  # an en dash stands for no value


def _show_checkpoints(result: xr.Dataset, reading: Reading | None, split: Split) -> None:
    marks = marks_of(result, split)
    columns = {
        "checkpoint": [f"**{mark.letter}** {plain(mark.label)}" for mark in marks],
        "loss": [format_value(mark.own["loss"], "loss") for mark in marks],
        "error": [format_value(mark.own["error"], "error") for mark in marks],
    }
    if reading is not None:
        columns["distance"] = [f"{distance:.4g}" for distance in reading.distances.values()]
    st.table(pd.DataFrame(columns), border="horizontal", hide_index=True)
    st.caption(
        f"Each checkpoint evaluated by itself on the {split} examples."
        + (" Distances are weight-space lengths from the clicked point." if reading else "")
    )
