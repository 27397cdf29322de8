"""The form of a line or a plane: which checkpoints, how fine, and what that costs."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from landscape.core.errors import RequestError
from landscape.core.requests import AnyRequest
from landscape.ui.choices import Choice, first_guess, obstacles
from landscape.ui.estimate_view import show_run_button
from landscape.ui.fields import request_from_fields
from landscape.ui.presets import Preset, choose_policy, choose_preset
from landscape.ui.text import plain, plural

Kind = Literal["line", "plane"]
_COUNT: dict[Kind, int] = {"line": 2, "plane": 3}


def show_evaluation_form(kind: Kind, choices: Sequence[Choice]) -> AnyRequest | None:
    """Show the form; returns the request once the reader presses Run."""
    picked = _pick(kind, choices)
    preset = choose_preset()
    policy = choose_policy()
    fields = _advanced(kind, preset)
    if len(picked) < _COUNT[kind]:
        return None  # the warning above says so
    try:
        references = [choice.entry.reference for choice in picked]
        request = request_from_fields(kind, {**fields, "checkpoints": references, "batch_norm": policy})
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return request if show_run_button(request) else None


def _pick(kind: Kind, choices: Sequence[Choice]) -> list[Choice]:
    """One select box per checkpoint; all but the first offer what fits the first."""
    usable = [choice for choice in choices if choice.entry.problem is None]
    guess = [choice.name for choice in first_guess(choices, _COUNT[kind])]
    picked = [_select("A", usable, guess)]
    reasons = obstacles(choices, picked[0])
    for letter in "BC"[: _COUNT[kind] - 1]:
        left = [choice for choice in usable if choice not in picked and reasons[choice.name] is None]
        if not left:
            st.warning(
                f"Only {plural(len(picked), 'checkpoint')} of this kind; a {kind} needs {_COUNT[kind]} that differ.",
                icon=":material/warning:",
            )
            break
        picked.append(_select(letter, left, guess))
    _show_unfitting({name: reason for name, reason in reasons.items() if reason is not None})
    return picked


def _select(letter: str, choices: Sequence[Choice], guess: Sequence[str]) -> Choice:
    by_name = {choice.name: choice for choice in choices}
    key = f"checkpoint_{letter}"
    if key in st.session_state and st.session_state[key] not in by_name:
        del st.session_state[key]  # it was chosen when something else fitted
    names = list(by_name)
    chosen = st.selectbox(
        f"Checkpoint {letter}",
        names,
        index=next((names.index(name) for name in guess if name in by_name), 0),
        key=key,
        bind="query-params",
    )
    return by_name[chosen]


def _show_unfitting(reasons: dict[str, str]) -> None:
    if reasons:
        with st.expander(f"{plural(len(reasons), 'checkpoint')} cannot be taken with A"):
            st.dataframe(
                pd.DataFrame(reasons.items(), columns=["checkpoint", "why"]),
                hide_index=True,
                key="unfitting_table",
            )


def _advanced(kind: Kind, preset: Preset) -> dict[str, object]:
    with st.expander("Advanced", icon=":material/tune:"):
        # The preset is part of the keys: each preset has its own values, so choosing one shows what it does.
        name = preset.name.lower()
        columns = st.columns(3)
        fields: dict[str, object] = {}
        if kind == "line":
            fields["points"] = _whole("Points", preset.points, key=f"points_{name}", slot=columns[0])
            fields["start"] = _number("From t", -0.25, 0.25, key="start", slot=columns[1])
            fields["stop"] = _number("To t", 1.25, 0.25, key="stop", slot=columns[2])
        else:
            fields["columns"] = _whole("Columns", preset.side, key=f"columns_{name}", slot=columns[0])
            fields["rows"] = _whole("Rows", preset.side, key=f"rows_{name}", slot=columns[1])
            fields["margin"] = _number("Margin", 0.2, 0.1, key="margin", slot=columns[2])
        train = _whole("Training images", preset.samples or 0, key=f"train_samples_{name}", slot=columns[0])
        test = _whole("Test images", preset.samples or 0, key=f"test_samples_{name}", slot=columns[1])
        st.caption("0 images means all of them.")
    return {**fields, "train_samples": train or None, "test_samples": test or None}


def _number(label: str, value: float, step: float, *, key: str, slot: DeltaGenerator) -> float:
    return slot.number_input(label, value=value, step=step, key=key, bind="query-params")


def _whole(label: str, value: int, *, key: str, slot: DeltaGenerator) -> int:
    return slot.number_input(label, value=value, step=1, key=key, bind="query-params")
