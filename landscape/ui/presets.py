"""Quick, Standard, Paper: how fine and on how many images; and what becomes of batch norm on the way."""

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from landscape.core.requests import BATCH_NORM_POLICIES, BatchNorm
from landscape.ui.controls import segments

PresetName = Literal["quick", "standard", "paper"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a preset puts into the form.

    Attributes:
        name: As shown.
        words: What it is for.
        points: Points of a line.
        side: Columns and rows of a plane; a power of two plus one, so that coarse grids lie inside finer ones.
        samples: Images of each split; None for all.
    """

    name: str
    words: str
    points: int
    side: int
    samples: int | None


# Ours: a quick look takes seconds on the digits, the paper preset leaves nothing out.
PRESETS: dict[PresetName, Preset] = {
    "quick": Preset(
        name="Quick", words="a first look, on 256 images of each split", points=21, side=17, samples=256
    ),
    "standard": Preset(
        name="Standard", words="fine enough to read, on all images", points=51, side=33, samples=None
    ),
    "paper": Preset(
        name="Paper", words="as fine as in print, on all images", points=101, side=65, samples=None
    ),
}
_POLICY_WORDS: dict[BatchNorm, str] = {
    "recalibrate": "Recalibrate: measured anew on the training images at every point (best, slower)",
    "stored": "Stored: those of the first checkpoint everywhere",
    "interpolate": "Interpolate: moved with the weights",
}


def choose_preset() -> Preset:
    """The preset that the reader chooses, with its words under it."""
    names: dict[PresetName, str] = {name: preset.name for name, preset in PRESETS.items()}
    preset = PRESETS[segments("Preset", tuple(PRESETS), key="preset", names=names)]
    st.caption(f"{preset.name}: {preset.words}.")
    return preset


def choose_policy() -> BatchNorm:
    """What the reader wants of batch-norm statistics between checkpoints."""
    return st.selectbox(
        "Batch-norm statistics",
        BATCH_NORM_POLICIES,
        format_func=_POLICY_WORDS.__getitem__,
        key="batch_norm",
        bind="query-params",
    )
