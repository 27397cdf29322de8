"""The panels beside figures that are not clicked: ensembles and searches in a few numbers."""

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from landscape.core.measures import epochs_spent
from landscape.core.search_measures import best_trial, boundary_warnings
from landscape.figures import FigureStyle
from landscape.figures.theme import Quantity, format_value
from landscape.ui.data_tables import search_table
from landscape.ui.text import plain, plural

_BEST = 5  # trials in the list
_NO_VALUE = "–"  # noqa: RUF001  # an en dash stands for no value


def show_ensembles(result: xr.Dataset, style: FigureStyle) -> None:
    """Of each group: the best network alone, all together, and the network at the mean of their weights."""
    chosen = result.sel(split=style.split)
    names = result["checkpoint_group"].values.astype(str)
    rows, spent = [], []
    for place, group in enumerate(result["group"].values.astype(str)):
        members = names == group
        size = int(members.sum())
        alone = chosen[f"member_{style.quality}"].values[members]
        together = chosen[style.quality].sel(order=style.order).values[place, size - 1]
        average = chosen[f"average_{style.quality}"].values[place]
        spent.append(f"{plain(group)} {epochs_spent(result, np.flatnonzero(members).tolist()):.4g}".strip())
        rows.append(
            {
                "": f"{plain(group)} ({size})" if group else plural(size, "network"),
                "best alone": _number(alone.min(), style.quality),
                "together": _number(together, style.quality),
                "averaged": _number(average, style.quality),
            }
        )
    with st.container(border=True, key="summary"):
        st.markdown("##### Together and alone")
        st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
        st.caption(
            f"On the {style.split} images; averaged is one network at the mean of the weights. Together they cost one "
            f"pass each at test time. Epochs spent in training: {', '.join(spent)}."
        )


def show_search(result: xr.Dataset) -> None:
    """The best trials with their settings, and a warning where the best lies on the edge of a range."""
    for sentence in boundary_warnings(result):
        st.warning(plain(sentence), icon=":material/warning:")
    best = best_trial(result)
    if best is None:
        st.caption("No trial has been evaluated yet.")
        return
    table = (
        search_table(result).sort_values(["stages", "validation error"], ascending=[False, True]).head(_BEST)
    )
    with st.container(border=True, key="summary"):
        st.markdown("##### Best trials")
        shown = pd.DataFrame({"trial": table["trial"].astype(str)})
        for name in result["parameter"].values.astype(str):
            shown[name.replace("_", " ")] = [f"{value:.3g}" for value in table[name]]
        shown["error"] = [_number(error, "error") for error in table["validation error"]]
        st.table(shown, border="horizontal", hide_index=True)
        known = result["ensemble_error"].dropna("size")
        together = (
            f" The best {int(known['size'][-1])} together make {_number(float(known[-1]), 'error')}."
            if len(known)
            else ""
        )
        st.caption(
            f"Errors on the held-out training images.{together} The test images have not been looked at."
        )


def _number(value: float, quantity: Quantity) -> str:
    if value != value:
        return _NO_VALUE
    return format_value(float(value), quantity)
