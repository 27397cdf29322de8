"""The form of a line or a plane: which checkpoints, how fine, and what that costs."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import streamlit as st

from landscape.core.errors import RequestError
from landscape.core.requests import BATCH_NORM_POLICIES, BatchNorm, EvaluationRequest, LineRequest, PlaneRequest
from landscape.ui.choices import Choice, first_guess, obstacles
from landscape.ui.controls import segments
from landscape.ui.errors import guarded
from landscape.ui.estimates import ESTIMATES, Estimate, Refusal, Unknown
from landscape.ui.presets import PRESETS, Preset
from landscape.ui.state import open_home
from landscape.ui.text import duration, plain, plural

Kind = Literal["line", "plane"]
_COUNT: dict[Kind, int] = {"line": 2, "plane": 3}
_ASK_SECONDS = 0.5
_POLICY_WORDS: dict[BatchNorm, str] = {
    "recalibrate": "Recalibrate: measured anew on the training images at every point (best, slower)",
    "stored": "Stored: those of the first checkpoint everywhere",
    "interpolate": "Interpolate: moved with the weights",
}


def show_evaluation_form(kind: Kind, choices: Sequence[Choice]) -> LineRequest | PlaneRequest | None:
    """Show the form; returns the request once the reader presses Run."""
    picked = _pick(kind, choices)
    preset = PRESETS[
        segments("Preset", tuple(PRESETS), key="preset", names={name: preset.name for name, preset in PRESETS.items()})
    ]
    st.caption(f"{preset.name}: {preset.words}.")
    policy = st.selectbox(
        "Batch-norm statistics",
        BATCH_NORM_POLICIES,
        format_func=_POLICY_WORDS.__getitem__,
        key="batch_norm",
        bind="query-params",
    )
    try:
        request = _advanced(kind, preset, tuple(choice.entry.reference for choice in picked), policy)
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    found = ESTIMATES.find(request, open_home())
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            key="run",
            disabled=isinstance(found, Refusal),
        )
        st.fragment(guarded(_follow_estimate), run_every=_ASK_SECONDS if found is None else None)(request, found is None)
    return request if pressed else None


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
                pd.DataFrame(reasons.items(), columns=["checkpoint", "why"]), hide_index=True, key="unfitting_table"
            )


def _advanced(
    kind: Kind, preset: Preset, checkpoints: tuple[str, ...], policy: BatchNorm
) -> LineRequest | PlaneRequest:
    with st.expander("Advanced", icon=":material/tune:"):
        # The preset is part of the keys: each preset has its own values, so choosing one shows what it does.
        name = preset.name.lower()
        if kind == "line":
            points = _whole("Points", preset.points, key=f"points_{name}")
            columns = st.columns(2)
            start = columns[0].number_input("From t", value=-0.25, step=0.25, key="start", bind="query-params")
            stop = columns[1].number_input("To t", value=1.25, step=0.25, key="stop", bind="query-params")
        else:
            columns = st.columns(3)
            across = _whole("Columns", preset.side, key=f"columns_{name}", slot=columns[0])
            along = _whole("Rows", preset.side, key=f"rows_{name}", slot=columns[1])
            margin = columns[2].number_input("Margin", value=0.2, step=0.1, key="margin", bind="query-params")
        columns = st.columns(2)
        train = _whole("Training images", preset.samples or 0, key=f"train_samples_{name}", slot=columns[0], least=0)
        test = _whole("Test images", preset.samples or 0, key=f"test_samples_{name}", slot=columns[1], least=0)
        st.caption("0 images means all of them.")
    common = {"checkpoints": checkpoints, "batch_norm": policy}
    samples = {"train_samples": train or None, "test_samples": test or None}
    if kind == "line":
        return LineRequest(**common, **samples, points=points, start=start, stop=stop)
    return PlaneRequest(**common, **samples, columns=across, rows=along, margin=margin)


def _whole(label: str, value: int, *, key: str, slot: "st.delta_generator.DeltaGenerator | None" = None, least: int = 1) -> int:
    return (slot or st).number_input(label, value=value, min_value=least, step=1, key=key, bind="query-params")


def _follow_estimate(request: EvaluationRequest, measuring: bool) -> None:
    found = ESTIMATES.find(request, open_home())
    if measuring and found is not None:
        st.rerun()  # the whole page: it may have to take the Run button back
    match found:
        case None:
            st.caption(":material/timer: Measuring how long it takes …")
        case Estimate(seconds, points, images):
            st.caption(
                f":material/timer: **About {duration(seconds)}**: {points:,} points × {images:,} images, measured."  # noqa: RUF001
            )
        case Unknown():
            st.caption(":material/timer: The time could not be measured; Run shows it as it goes.")
        case Refusal(sentence):
            st.error(plain(sentence), icon=":material/error:")
            if st.button("Look again", key="estimate_again", type="tertiary"):
                ESTIMATES.forget(request, open_home())
                st.rerun()
