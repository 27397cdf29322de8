"""The controls that say how a result is drawn. Each is bound to the address, so that a link restores the picture."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from landscape.core.requests import MEASURES, SPLITS, Measure
from landscape.figures import FigureStyle
from landscape.figures.style import COLORS, SCALES, VIEWS, Colors, View
from landscape.figures.theme import format_tick

T = TypeVar("T", bound=str)

NO_CLIP = "none"
_STEPS_PER_DECADE = 8  # ours: a step of a third is about the smallest that one sees in a picture
_MEASURE_NAMES: dict[Measure, str] = {"loss": "Loss", "nll": "Cross-entropy", "error": "Error"}
_VIEW_NAMES: dict[View, str] = {"contour": "Contour", "surface": "Surface"}
_COLOR_NAMES: dict[Colors, str] = {
    "viridis": "Viridis",
    "cividis": "Cividis",
    "magma": "Magma",
    "published": "As published (Garipov et al. 2018)",
}


def show_controls(
    result: xr.Dataset, *, controls: DeltaGenerator, menus: DeltaGenerator, dark: bool
) -> FigureStyle:
    """Fill a row with controls; returns what they say.

    Args:
        result: What they are about.
        controls: Where the everyday ones go.
        menus: Where the menu with the rare ones goes.
        dark: The theme.
    """
    on_plane = result.attrs["study"] == "plane"
    with controls:
        view = segments("View", VIEWS, key="view", names=_VIEW_NAMES) if on_plane else "contour"
        measure = segments("Measure", tuple(_MEASURE_NAMES), key="measure", names=_MEASURE_NAMES)
        split = segments("Split", SPLITS, key="split", names={"train": "Train", "test": "Test"})
        clip = _clip(result, measure)
    with menus.popover("Appearance", icon=":material/palette:"):
        scale = segments(
            "Scale",
            SCALES,
            key="scale",
            names={"auto": "Auto", "log": "Log", "linear": "Linear"},
            help_text="Auto is logarithmic for the loss over a plane, linear for errors and along lines.",
        )
        colors = st.radio(
            "Colours", COLORS, format_func=_COLOR_NAMES.__getitem__, key="colors", bind="query-params"
        )
    return FigureStyle(
        measure=measure,
        split=split,
        view=view,
        scale=scale,
        clip=clip,
        colors=colors,
        dark=dark,
        title="",  # the page's heading says it
    )


def segments(
    label: str, options: Sequence[T], *, key: str, names: Mapping[T, str], help_text: str | None = None
) -> T:
    """One of a few values, of which one is always chosen; the first one at the beginning."""
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        format_func=names.__getitem__,
        key=key,
        help=help_text,
        bind="query-params",
    )
    return chosen or options[0]


def clip_choices(values: np.ndarray) -> list[float]:
    """Log-spaced limits that cut something off the finite values and leave something.

    The same limit is the same number in every result, so that pictures can be compared and links keep their meaning.
    """
    finite = values[np.isfinite(values) & (values > 0)]
    if finite.size == 0:
        return []
    first = math.floor(math.log10(finite.min()) * _STEPS_PER_DECADE) + 1
    last = math.ceil(math.log10(finite.max()) * _STEPS_PER_DECADE) - 1
    return [float(f"{10 ** (step / _STEPS_PER_DECADE):.3g}") for step in range(first, last + 1)]


def reset_clips() -> None:
    """Take every limit back; to be called before the controls are shown."""
    for measure in MEASURES:
        if _clip_key(measure) in st.session_state:
            st.session_state[_clip_key(measure)] = NO_CLIP


def _clip_key(measure: Measure) -> str:
    return f"clip_{measure}"  # one key per measure: a limit in nats says nothing about errors


def _clip(result: xr.Dataset, measure: Measure) -> float | None:
    choices = {format_tick(value, measure): value for value in clip_choices(result[measure].values)}
    if not choices:
        return None
    # The first option is the default: a default passed as `value` must not meet one set in the session state.
    options = [NO_CLIP, *reversed(choices)]
    key = _clip_key(measure)
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = NO_CLIP  # it was chosen for another result
    chosen = st.select_slider(
        "Clip above",
        options,
        key=key,
        bind="query-params",
        help="Values above the limit share the top colour; further right it is lower. The limits are spaced "
        "logarithmically.",
        width=220,
    )
    return choices.get(chosen)
