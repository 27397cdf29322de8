"""The words on and under a figure. Every one is made from the result, none is written by hand for a figure."""

from typing import assert_never

import numpy as np
import xarray as xr

from landscape.core.measures import line_barrier
from landscape.core.requests import SPLITS, BatchNorm, Split
from landscape.core.results import SCHEMAS, Provenance, provenance_of
from landscape.figures.cells import Holes
from landscape.figures.marks import marks_of, shorten
from landscape.figures.scales import ValueAxis, axis_kind
from landscape.figures.search import search_picture
from landscape.figures.style import FigureStyle
from landscape.figures.theme import Quantity, format_tick

_BATCH_NORM_SHORT: dict[BatchNorm, str] = {
    "recalibrate": "batch norm recalibrated",
    "stored": "batch norm of A",
    "interpolate": "batch norm interpolated",
}
# Where single networks are evaluated, not places between them.
_BATCH_NORM_ALONE: dict[BatchNorm, str] = {
    "recalibrate": "batch norm recalibrated",
    "stored": "batch norm of each network",
    "interpolate": "batch norm interpolated",
}


def title(result: xr.Dataset, style: FigureStyle) -> str:
    """The line above the figure; not escaped."""
    return str(result.attrs.get("title", "")) if style.title is None else style.title


def quantity_name(quantity: Quantity) -> str:
    """The quantity with its unit, for an axis."""
    match quantity:
        case "nll":
            return "cross-entropy (nats)"
        case "loss":
            return "loss (nats)"
        case "error" | "disagreement":
            return quantity
        case "ece":
            return "calibration error (ECE)"
        case "brier":
            return "Brier score"
        case "correlation":
            return "prediction correlation"
        case _:
            assert_never(quantity)


def conditions(result: xr.Dataset, style: FigureStyle) -> str:
    """One line under the title: what was evaluated, on what, how; not escaped."""
    provenance, study = provenance_of(result), result.attrs["study"]
    if study == "search":
        return _search_conditions(result, style, provenance)
    splits: tuple[Split, ...] = ("train", "test") if study == "line" else (style.split,)
    counts = " and ".join(f"{provenance.samples[split]:,} {split}" for split in splits)
    parts = [f"{counts} examples of {shorten(provenance.data)}", *_how(result, style, provenance)]
    so_far = progress(result)
    return " · ".join([*parts, so_far] if so_far else parts)


def _how(result: xr.Dataset, style: FigureStyle, provenance: Provenance) -> list[str]:
    study, policy = result.attrs["study"], provenance.request.get("batch_norm", "recalibrate")
    match study:
        case "ensemble":
            bins = [f"{provenance.request.get('bins')} bins"] if style.quality == "ece" else []
            scale = ["log scale"] if style.scale == "log" else []
            return [*bins, _BATCH_NORM_ALONE[policy], *scale, "faint: members alone"]
        case "diversity":
            chosen = [f"correlation {style.variant}"] if style.matrix == "correlation" else []
            return [*chosen, _BATCH_NORM_ALONE[policy]]
        case _:
            decay = [f"weight decay {provenance.weight_decay:g}"] if style.measure == "loss" else []
            scale = [] if axis_kind(style, study=study) == "linear" else ["log scale"]
            words = _BATCH_NORM_SHORT[policy]
            if study == "fan" and policy == "stored":
                words = "batch norm of each line's earlier checkpoint"
            return [*decay, words, *scale]


def _search_conditions(result: xr.Dataset, style: FigureStyle, provenance: Provenance) -> str:
    states = [str(state) for state in result["state"].values]
    counts = [
        f"{states.count(state):,} {state}" for state in ("complete", "pruned", "failed") if state in states
    ]
    picture = search_picture(result, style)
    parts = [
        f"{len(states):,} trial{'' if len(states) == 1 else 's'} on {shorten(provenance.data)}",
        ", ".join(counts),
    ]
    if picture.best is not None:
        parts.append(f"best {format_tick(picture.best.error, 'error')}")
    ends = [axis.name for axis in picture.axes if axis.best_at is not None]
    if ends:
        parts.append(f"best at an end of the range: {', '.join(ends)}")
    return " · ".join(part for part in parts if part)


def axis_titles(result: xr.Dataset) -> tuple[str, str]:
    """Titles of the horizontal and, for a plane, the vertical axis."""
    first, *others = [mark.letter for mark in marks_of(result, "train")]
    if result.attrs["study"] == "line":
        return f"t  (0 = {first}, 1 = {others[0]})", ""
    toward = others[-1]
    return f"alpha: weight-space length, {first} → {others[0]}", f"beta: length across, towards {toward}"


def line_notes(result: xr.Dataset, values: np.ndarray, style: FigureStyle) -> list[str]:
    """The lines in the corner of a line figure: both barriers, and the gaps if there are any."""
    barriers = [f"{split}: {barrier_words(result, style, split)}" for split in SPLITS]
    gaps = gap_words(values)
    return [*barriers, gaps] if gaps else barriers


def barrier_words(result: xr.Dataset, style: FigureStyle, split: Split) -> str:
    """The barrier as words, such as "barrier 2.1 at t = 0.48"."""
    found = line_barrier(result, measure=style.measure, split=split)
    if np.isnan(found.height):
        return "barrier not known yet"
    if np.isinf(found.height):
        return f"diverges at t = {found.t:.2g}"
    if found.height == 0:
        return "no barrier"
    return f"barrier {format_tick(found.height, style.measure)} at t = {found.t:.2g}"


def color_bar_title(axis: ValueAxis, style: FigureStyle) -> str:
    """Split and measure with its unit, and a word where the scale is not linear."""
    return f"{style.split} {quantity_name(axis.measure)}" + ("" if axis.kind == "linear" else ", log scale")


def hole_words(found: Holes) -> str:
    """The holes of a surface in a few words; "" if there are none."""
    return _count_words("holes", found.missing_points, found.diverged_points)


def gap_words(values: np.ndarray) -> str:
    """The gaps of the curves in a few words, "" if there are none; values are (S, T)."""
    return _count_words(
        "gaps", int(np.isnan(values).any(axis=0).sum()), int(np.isinf(values).any(axis=0).sum())
    )


def _count_words(kind: str, missing: int, diverged: int) -> str:
    words = [
        f"{count:,} {what}" for count, what in ((missing, "not evaluated"), (diverged, "diverged")) if count
    ]
    return f"{kind}: {', '.join(words)}" if words else ""


def samples_of(provenance: Provenance) -> list[tuple[str, int]]:
    """The splits with their numbers of examples, train first."""
    known = [split for split in SPLITS if split in provenance.samples]
    others = [name for name in provenance.samples if name not in known]
    return [(name, provenance.samples[name]) for name in (*known, *others)]


def progress(result: xr.Dataset) -> str:
    """How many points are there, as long as some are missing; "" after that, and where points are not counted."""
    if not SCHEMAS[result.attrs["study"]].swept:
        return ""
    evaluated = ~np.isnan(result["nll"].values).any(axis=0)
    return "" if evaluated.all() else f"{int(evaluated.sum()):,} of {evaluated.size:,} points so far"


def points(count: int) -> str:
    """A number of points in words."""
    return f"{count:,} point{'' if count == 1 else 's'}"
