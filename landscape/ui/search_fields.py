"""What a search asks beside the run: ranges to draw from, and stages from coarse to fine."""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from landscape.core.search_requests import RANGES, SearchRequest
from landscape.core.training_requests import Recipe
from landscape.ui.training_fields import TrainingFieldsForm
from landscape.ui.training_words import LABELS, LAYCA_RATE, field_help

# Ranges to begin with where the request has none. The momentum: from none to 0.99; the others as in their papers.
_FIRST: dict[str, tuple[float, float]] = {
    "momenta": (0.0, 0.99),
    "label_smoothings": (0.0, 0.2),
    "mixups": (0.0, 1.0),
}
_AROUND_LAYCA = 27.0  # 3^-6 to 3^0, about the rates that Carbonnelle and De Vleeschouwer (2019) went through


def show_ranges(recipe: Recipe) -> dict[str, Any]:
    """Which settings are drawn, and from which range; those that are not drawn are None."""
    ranges: dict[str, Any] = {}
    with st.container(border=True, key="ranges"):
        columns = st.columns([2, 1, 1], vertical_alignment="bottom")
        columns[0].markdown("##### Draw from")
        columns[1].caption("lowest")
        columns[2].caption("highest")
        for name, (field, in_log) in RANGES.items():
            ranges[name] = _range(name, field, in_log, recipe)
    return ranges


def show_stages(form: TrainingFieldsForm) -> tuple[int, ...] | None:
    """Trials, stages, and what is done with the best; None after an error has been shown."""
    columns = st.columns(2)
    for place, name in enumerate(("trials", "keep", "best")):
        form.show_number(name, columns[place % 2])
    form.show_number("validation", columns[1], step=0.05)
    default = SearchRequest().stages
    written = st.text_input(
        LABELS["stages"],
        value=", ".join(map(str, default)),
        key="stages",
        help=field_help(SearchRequest).get("stages"),
        persist_state="session",
    )
    try:
        return tuple(int(word) for word in written.replace(",", " ").split())
    except ValueError:
        st.error(
            "The stages are whole numbers of epochs, such as 1, 5; write them with commas between.",
            icon=":material/error:",
        )
        return None


def drawn_fields(ranges: Mapping[str, Any]) -> frozenset[str]:
    """The fields of the run that the search draws, so that the form leaves them out."""
    return frozenset(RANGES[name][0] for name, limits in ranges.items() if limits is not None)


def _range(name: str, field: str, in_log: bool, recipe: Recipe) -> tuple[float, float] | None:
    default = getattr(SearchRequest(), name)
    first = default or _FIRST[name]
    variant = ""
    if name == "learning_rates" and recipe == "layca":
        first, variant = (LAYCA_RATE / _AROUND_LAYCA, LAYCA_RATE * _AROUND_LAYCA), "_layca"
    columns = st.columns([2, 1, 1], vertical_alignment="center")
    # A search without its learning rate would be no search: it is always drawn.
    drawn = name == "learning_rates" or columns[0].checkbox(
        LABELS[field], value=default is not None, key=f"draw_{name}", persist_state="session"
    )
    if name == "learning_rates":
        columns[0].markdown(LABELS[field])
    limits = [
        columns[place + 1].number_input(
            f"{LABELS[field]}, {words}",
            value=first[place],
            format="%g",
            step=10.0 ** math.floor(math.log10(first[place])) if first[place] > 0 else 0.1,
            key=f"{name}_{words}{variant}",
            label_visibility="collapsed",
            disabled=not drawn,
            help="Drawn evenly in the logarithm." if in_log else "Drawn evenly.",
            persist_state="session",
        )
        for place, words in enumerate(("lowest", "highest"))
    ]
    return (limits[0], limits[1]) if drawn else None
