"""The controls that say how a result is drawn. Each is bound to the address, so that a link restores the picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from landscape.core.requests import MEASURES, SPLITS, Measure, Split
from landscape.figures import FigureStyle
from landscape.figures.style import (
    COLORS,
    MATRICES,
    ORDERS,
    PAIRS,
    RANGES,
    SCALES,
    VARIANTS,
    VIEWS,
    Colors,
    Matrix,
    Quality,
    Ranges,
    Variant,
    View,
)
from landscape.figures.theme import format_tick

T = TypeVar("T", bound=str)

NO_CLIP = "none"
_STEPS_PER_DECADE = 8  # ours: a step of a third is about the smallest that one sees in a picture
_MEASURE_NAMES: dict[Measure, str] = {"loss": "Loss", "nll": "Cross-entropy", "error": "Error"}
_SPLIT_NAMES: dict[Split, str] = {"train": "Train", "test": "Test"}
_QUALITY_NAMES: dict[Quality, str] = {
    "error": "Error",
    "nll": "Cross-entropy",
    "ece": "Calibration error",
    "brier": "Brier score",
}
_VARIANT_NAMES: dict[Variant, str] = {
    "per class": "Per class",
    "flattened": "Flattened",
    "per example": "Per example",
}
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
    with controls:
        match result.attrs["study"]:
            case "plane":
                view = segments("View", VIEWS, key="view", names=_VIEW_NAMES)
                style = replace(_values(result), view=view)
            case "fan":
                style = replace(_fan(result), ranges=_ranges(result))
            case "ensemble":
                style = _ensemble()
            case "diversity":
                style = _diversity(result)
            case "search":
                style = FigureStyle()
            case _:
                style = _values(result)
    with menus.popover("Appearance", icon=":material/palette:"):
        scale = segments(
            "Scale",
            SCALES,
            key="scale",
            names={"auto": "Auto", "log": "Log", "linear": "Linear"},
            help_text="Auto is logarithmic for the loss over a plane, linear for everything else.",
        )
        colors = st.radio(
            "Colours", COLORS, format_func=_COLOR_NAMES.__getitem__, key="colors", bind="query-params"
        )
    # The page's heading says the title.
    return replace(style, scale=scale, colors=colors, dark=dark, title="")


def _values(result: xr.Dataset) -> FigureStyle:
    measure = segments("Measure", tuple(_MEASURE_NAMES), key="measure", names=_MEASURE_NAMES)
    split = segments("Split", SPLITS, key="split", names=_SPLIT_NAMES)
    return FigureStyle(measure=measure, split=split, clip=_clip(result, measure))


def _fan(result: xr.Dataset) -> FigureStyle:
    # As the paper: what an error is does not depend on weight decay, and mistakes are made on the test images.
    measures: tuple[Measure, ...] = ("error", "loss", "nll")
    measure = segments("Measure", measures, key="fan_measure", names=_MEASURE_NAMES)
    return FigureStyle(measure=measure, split=_split_of_predictions(), clip=_clip(result, measure))


def _ranges(result: xr.Dataset) -> Ranges:
    if len(set(result["checkpoint_group"].values.tolist())) < 2:
        return "shared"
    return segments("Range of values", RANGES, key="ranges", names={"shared": "Shared", "own": "Own"})


def _ensemble() -> FigureStyle:
    return FigureStyle(
        quality=segments("Quality", tuple(_QUALITY_NAMES), key="quality", names=_QUALITY_NAMES),
        order=segments("Members", ORDERS, key="order", names={"last": "Last m", "first": "First m"}),
        split=_split_of_predictions(),
    )


def _diversity(result: xr.Dataset) -> FigureStyle:
    names: dict[Matrix, str] = {"correlation": "Correlation", "disagreement": "Disagreement"}
    matrix = segments("Matrix", MATRICES, key="matrix", names=names)
    variant, pairs = VARIANTS[0], PAIRS[0]
    if matrix == "correlation":
        variant = segments(
            "Correlated",
            VARIANTS,
            key="variant",
            names=_VARIANT_NAMES,
            help_text="Per class over the images, then the mean over the classes; all outputs in one row; or per image "
            "over the classes, then the mean over the images. The paper does not say which.",
        )
    if len(set(result["checkpoint_group"].values.tolist())) > 1:
        pairs = segments("Pairs", PAIRS, key="pairs", names={"within": "Within runs", "all": "All"})
    return FigureStyle(matrix=matrix, variant=variant, pairs=pairs, split=_split_of_predictions())


def _split_of_predictions() -> Split:
    """Mistakes are made on the test images: what was trained on is mostly right."""
    return segments("Split", ("test", "train"), key="predictions_split", names=_SPLIT_NAMES)


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
        wrap=True,  # else a narrow window hides the last ones
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
