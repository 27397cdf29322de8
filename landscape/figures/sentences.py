"""Sentences that captions of several studies share."""

from typing import assert_never

import numpy as np
import xarray as xr

from landscape.core.results import provenance_of, self_check
from landscape.figures.groups import Group
from landscape.figures.marks import shorten
from landscape.figures.scales import axis_kind
from landscape.figures.style import FigureStyle
from landscape.figures.texts import progress

# What is real of a difference that the self-check finds where statistics of another network are used.
_REAL = {
    "line": "the difference at every checkpoint but A is real, since they are drawn with A's statistics",
    "plane": "the difference at every checkpoint but A is real, since they are drawn with A's statistics",
    "fan": (
        "the difference at the last checkpoint of each group is real, since every line is drawn with the statistics of "
        "its earlier checkpoint"
    ),
}


def measure_sentence(result: xr.Dataset, style: FigureStyle) -> str:
    """What is drawn, on how many examples of what, on which scale."""
    provenance = provenance_of(result)
    counts = provenance.samples
    on_line = result.attrs["study"] == "line"
    where = (
        f"on {counts['train']:,} train and {counts['test']:,} test examples"
        if on_line
        else f"on {counts[style.split]:,} {style.split} examples"
    )
    match style.measure:
        case "nll":
            what = "mean cross-entropy in nats per example, without weight decay,"
        case "loss":
            what = (
                "loss in nats per example, that is mean cross-entropy plus "
                f"1/2 · {provenance.weight_decay:g} · |theta|² (weight decay),"
            )
        case "error":
            what = "error, the percentage of examples put into a wrong class,"
        case _:
            assert_never(style.measure)
    return f"Drawn is the {what} {where} of {shorten(provenance.data)}, {_scale_words(result, style)}."


def _scale_words(result: xr.Dataset, style: FigureStyle) -> str:
    match axis_kind(style, study=result.attrs["study"]):
        case "log":
            return "on a logarithmic scale"
        case "linear":
            return "on a linear scale"
        case "published":
            return (
                "with the logarithmic levels and the colours of Garipov et al. (2018); these colours are not uniform "
                "and show edges that are not in the numbers"
            )
        case unknown:
            assert_never(unknown)


def self_check_sentence(result: xr.Dataset) -> str:
    """How far the checkpoints in the figure are from their own evaluations."""
    difference = self_check(result)
    if np.isnan(difference):
        return "Self-check: the checkpoints have not been evaluated yet."
    policy = provenance_of(result).request.get("batch_norm", "recalibrate")
    how = f"differ by at most {difference:.1e} (relative, nll)" if difference else "are equal"
    sentence = f"Self-check: the value here at each checkpoint and that checkpoint's own evaluation {how}"
    if policy == "stored":
        return f"{sentence}; under this batch-norm policy {_REAL[result.attrs['study']]}."
    return f"{sentence}."


def progress_sentence(result: xr.Dataset) -> str:
    """How many points are there; "" for all."""
    so_far = progress(result)
    return f"The result is not complete: {so_far}." if so_far else ""


def join_words(words: list[str]) -> str:
    """A list in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def group_words(groups: tuple[Group, ...]) -> str:
    """The groups with their numbers of checkpoints, such as "cyclic (6 checkpoints) and NoCycle (6)"."""
    counts = [len(group.members) for group in groups]
    if len(groups) == 1 and not groups[0].name:
        return f"{counts[0]:,} checkpoint{'' if counts[0] == 1 else 's'}"
    first = f"{groups[0].title} ({counts[0]:,} checkpoint{'' if counts[0] == 1 else 's'})"
    others = [f"{group.title} ({count:,})" for group, count in zip(groups[1:], counts[1:], strict=True)]
    return join_words([first, *others])
