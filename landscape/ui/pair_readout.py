"""The panel beside a figure of pairs: how two networks differ, and the way to the line between them."""

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from landscape.core.measures import barrier
from landscape.core.requests import MEASURES
from landscape.core.results import CheckpointRecord, provenance_of
from landscape.figures import FigureStyle
from landscape.figures.theme import Quantity, format_value
from landscape.ui.choices import name_choices
from landscape.ui.navigation import go_to
from landscape.ui.pairs import Pair
from landscape.ui.questions import QUESTIONS
from landscape.ui.state import all_checkpoints
from landscape.ui.text import plain

_MEASURE_NAMES = {"nll": "Cross-entropy", "loss": "Loss", "error": "Error"}
_HINTS = {
    "diversity": "Click a cell to see the two networks, and to look at the line between them.",
    "fan": "Click a curve to see the two checkpoints, and to look at the line between them more closely.",
}


def show_pair(result: xr.Dataset, pair: Pair | None, style: FigureStyle) -> bool:
    """Show what is known of a pair, or how to choose one.

    Returns:
        Whether the reader wants the mark taken away.
    """
    cleared = False
    with st.container(border=True, key="readout"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("##### Pair")
            if pair is not None:
                cleared = st.button("Clear", key="clear_point", type="tertiary", icon=":material/close:")
        if pair is None:
            st.caption(_HINTS[result.attrs["study"]])
            return False
        labels = [str(result["checkpoint"].values[place]) for place in pair]
        st.markdown(f"**{plain(labels[0])}** and **{plain(labels[1])}** · {style.split}")
        if result.attrs["study"] == "diversity":
            _show_predictions(result, pair, style)
        else:
            _show_line(result, pair, style)
        _show_way(result, pair)
    return cleared


def _show_predictions(result: xr.Dataset, pair: Pair, style: FigureStyle) -> None:
    first, last = pair
    chosen = result.sel(split=style.split)
    correlations = chosen["correlation"].values[:, first, last]
    rows = [
        (f"Correlation, {variant}", _number(value, "correlation"))
        for variant, value in zip(result["variant"].values, correlations, strict=True)
    ]
    rows.append(("Disagreement", _number(chosen["disagreement"].values[first, last], "disagreement")))
    errors = chosen["member_error"].values[[first, last]]
    rows += [
        (f"Error of the {word}", _number(error, "error"))
        for word, error in zip(("first", "second"), errors, strict=True)
    ]
    st.table(pd.DataFrame(rows, columns=["", "value"]), border="horizontal", hide_index=True)
    st.caption(
        "Disagreement is the share of images that the two put into different classes; it is at least the difference "
        "of their errors, and at most the sum."
    )


def _show_line(result: xr.Dataset, pair: Pair, style: FigureStyle) -> None:
    chosen = result.sel(split=style.split)
    place = int(np.flatnonzero(result["pair_first"].values == pair[0])[0])
    t = result["t"].values
    rows = []
    for measure in MEASURES:
        ends = tuple(float(chosen[f"rebuilt_{measure}"].values[end]) for end in pair)
        found = barrier(t, chosen[measure].values[place], ends=(ends[0], ends[1]))
        rows.append(
            (
                _MEASURE_NAMES[measure],
                _number(ends[0], measure),
                _number(ends[1], measure),
                _number(found.height, measure),
            )
        )
    columns = ["", "at t = 0", "at t = 1", "barrier"]
    st.table(pd.DataFrame(rows, columns=columns), border="horizontal", hide_index=True)
    st.caption(
        f"They are {float(result['length'].values[place]):.4g} apart in weight space. The barrier is the largest rise "
        "above the straight line between the values at both ends."
    )


def _show_way(result: xr.Dataset, pair: Pair) -> None:
    records = provenance_of(result).checkpoints
    names = [_name_in_list(records[place]) for place in pair]
    known = [name for name in names if name is not None]
    if st.button(
        "Line between these two",
        icon=":material/show_chart:",
        key="line_between",
        disabled=len(known) < len(names),
    ):
        go_to("workbench", question=QUESTIONS["line"], checkpoint_A=known[0], checkpoint_B=known[1])
    if len(known) < len(names):
        st.caption("One of them is no longer in the Library, so no line can be asked for.")


def _name_in_list(record: CheckpointRecord) -> str | None:
    """What the Workbench calls a checkpoint of a result: the one in the same place, else one with the same weights."""
    choices = [choice for choice in name_choices(all_checkpoints()) if choice.entry.problem is None]
    same = [choice for choice in choices if choice.entry.digest == record.digest]
    here = [choice for choice in same if choice.entry.reference == record.source]
    return next((choice.name for choice in [*here, *same]), None)


def _number(value: float, quantity: Quantity) -> str:
    if np.isnan(value):
        return "–"  # noqa: RUF001  # an en dash stands for no value
    return format_value(float(value), quantity)
