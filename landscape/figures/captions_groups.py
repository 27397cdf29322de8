"""Captions and alternative texts of the studies of groups of checkpoints: fan, ensemble, diversity."""

from typing import assert_never

import numpy as np
import xarray as xr

from landscape.core.requests import BatchNorm
from landscape.core.results import Provenance, provenance_of
from landscape.figures.diversity import diversity_picture
from landscape.figures.ensemble import QUALITY_NAMES, EnsemblePicture, ensemble_picture
from landscape.figures.fan import FanPanel, fan_panels
from landscape.figures.groups import groups_of
from landscape.figures.marks import shorten
from landscape.figures.sentences import (
    group_words,
    join_words,
    measure_sentence,
    progress_sentence,
    self_check_sentence,
)
from landscape.figures.style import FigureStyle, Quality, Variant
from landscape.figures.texts import points, quantity_name
from landscape.figures.theme import format_value

_ON_LINES: dict[BatchNorm, str] = {
    "recalibrate": "Batch-norm statistics are re-estimated on the training examples at every point",
    "stored": "Batch-norm statistics are those of the earlier checkpoint of each line, kept at every point",
    "interpolate": "Batch-norm statistics are moved with the weights",
}
_ALONE: dict[BatchNorm, str] = {
    "recalibrate": "Batch-norm statistics of each network are re-estimated on the training examples",
    "stored": "Each network is evaluated with its own batch-norm statistics",
    "interpolate": "Batch-norm statistics are moved with the weights",
}
_VARIANTS: dict[Variant, str] = {
    "per class": "for each class over the examples, then averaged over the classes",
    "flattened": "over all outputs of all examples at once",
    "per example": "for each example over the classes, then averaged over the examples",
}


def fan_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    """The sentences under a fan."""
    panels = fan_panels(result, style)
    return [
        "Straight lines in weight space from every earlier checkpoint of a group to its last one: "
        f"{group_words(groups_of(result))}.",
        "Horizontal axis: t, the position on each line without unit; 0 is the earlier checkpoint, 1 the last. The "
        "numbers are places in the order of training, and the colours go from early to late.",
        measure_sentence(result, style),
        _range_sentence(len(panels), style),
        f"{_ON_LINES[_policy(result)]}; a network without batch norm is not affected.",
        *_gap_sentences(result, style),
        progress_sentence(result),
        self_check_sentence(result),
    ]


def ensemble_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    """The sentences under an ensemble figure."""
    provenance = provenance_of(result)
    picture = ensemble_picture(result, style)
    source = " (Huang et al. 2017, figure 3)" if style.order == "last" else ""
    return [
        f"Ensembles that average the softmax outputs of m networks: {group_words(groups_of(result))}. An ensemble "
        f"of m has the {style.order} m checkpoints of its group{source}; a curve ends where a group has no more.",
        f"Drawn is the {_definition(style.quality, provenance)}, on {provenance.samples[style.split]:,} "
        f"{style.split} examples of {shorten(provenance.data)}.",
        "Faint marks are the members alone, each at the size at which it joins. An ensemble of m needs m forward "
        "passes per example.",
        f"{_ALONE[_policy(result)]}.",
        *_average_sentences(picture),
        *_above_sentences(picture),
        "The vertical axis does not begin at 0." if picture.axis.low > 0 and not picture.axis.log else "",
    ]


def diversity_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    """The sentences under the matrices."""
    provenance = provenance_of(result)
    picture = diversity_picture(result, style)
    one = style.pairs == "all" or len(picture.squares) == 1
    where = "One matrix of all checkpoints" if one else "One matrix per group"
    parted = "; lines part the groups" if picture.squares[0].borders else ""
    missing = int(sum(np.isnan(square.between).sum() - len(square.places) for square in picture.squares)) // 2
    written = all(square.is_written for square in picture.squares)
    lost = f"{missing:,} pair{'' if missing == 1 else 's'} {'marked x' if written else 'left empty'}"
    itself = "1" if style.matrix == "correlation" else "0"
    return [
        _matrix_sentence(style),
        f"On {provenance.samples[style.split]:,} {style.split} examples of {shorten(provenance.data)}.",
        f"{where}: {group_words(groups_of(result))}{parted}. Rows from top to bottom and columns from left to "
        "right are in the order of training.",
        f"All colours are on one range, from {format_value(picture.low, style.matrix)} to "
        f"{format_value(picture.high, style.matrix)}, which the pairs drawn set; the diagonal, where a checkpoint "
        f"meets itself ({itself}), is grey and has no part in it.",
        f"{lost}: no number, since the outputs of a network are constant or not finite." if missing else "",
        f"{_ALONE[_policy(result)]}.",
    ]


def fan_alt(result: xr.Dataset, style: FigureStyle) -> str:
    """The fan in words: the highest point of each group and its last checkpoint."""
    panels = fan_panels(result, style)
    words = "; ".join(_panel_words(panel, style) for panel in panels)
    return (
        f"Curves of {style.split} {style.measure} along straight lines from earlier checkpoints to the last, in "
        f"{len(panels)} panel{'' if len(panels) == 1 else 's'}; {words}."
    )


def ensemble_alt(result: xr.Dataset, style: FigureStyle) -> str:
    """The curves in words: where they begin and end, and the average of the weights."""
    picture = ensemble_picture(result, style)
    parts = []
    for curve in picture.curves:
        first, last = (
            format_value(curve.ensembles[at].values[style.quality], style.quality) for at in (0, -1)
        )
        name = f"{curve.group.title}: " if curve.group.title else ""
        words = f"{name}{first} with 1 network, {last} with {len(curve.ensembles)}"
        if curve.average is not None:
            words += f", {format_value(curve.average.values[style.quality], style.quality)} with the weights averaged"
        parts.append(words)
    return f"Curves of {style.split} {QUALITY_NAMES[style.quality]} over the size of ensembles; {'; '.join(parts)}."


def diversity_alt(result: xr.Dataset, style: FigureStyle) -> str:
    """The matrices in words: mean and range of the pairs."""
    picture = diversity_picture(result, style)
    parts = []
    for square in picture.squares:
        values = square.between[np.isfinite(square.between)]
        name = f"{square.title}: " if square.title else ""
        if not len(values):
            parts.append(f"{name}no pair has a number")
            continue
        mean, low, high = (
            format_value(float(x), style.matrix) for x in (values.mean(), values.min(), values.max())
        )
        parts.append(f"{name}mean {mean}, from {low} to {high}")
    matrices = "A matrix" if len(picture.squares) == 1 else f"{len(picture.squares)} matrices"
    return f"{matrices} of {style.split} {quantity_name(style.matrix)} of pairs of checkpoints; {'; '.join(parts)}."


def _policy(result: xr.Dataset) -> BatchNorm:
    return provenance_of(result).request.get("batch_norm", "recalibrate")


def _range_sentence(count: int, style: FigureStyle) -> str:
    if count == 1:
        return ""
    if style.ranges == "own":
        return (
            "Each panel has a vertical range of its own, as in Huang et al. (2017, figure 5): heights of different "
            "panels cannot be compared."
        )
    return (
        "All panels share one vertical range, so that they can be compared; those of Huang et al. (2017, figure 5) do "
        "not."
    )


def _gap_sentences(result: xr.Dataset, style: FigureStyle) -> list[str]:
    values = result[style.measure].sel(split=style.split).values
    sentences = []
    if diverged := int(np.isinf(values).sum()):
        sentences.append(f"{points(diverged)} diverged (infinite); the curves are broken there.")
    if missing := int(np.isnan(values).sum()):
        sentences.append(f"{points(missing)} not evaluated; the curves are broken there.")
    if style.clip is not None:
        beyond = int((np.isfinite(values) & (values > style.clip)).sum())
        sentences.append(
            f"The axis ends at {format_value(style.clip, style.measure)}; {points(beyond)} above."
        )
    return sentences


def _definition(quality: Quality, provenance: Provenance) -> str:
    match quality:
        case "error":
            return "error, the percentage of examples put into a wrong class"
        case "nll":
            return "mean cross-entropy of the averaged outputs in nats per example, without weight decay"
        case "ece":
            return (
                "expected calibration error (Guo et al. 2017), the mean difference between confidence and accuracy "
                f"over {provenance.request.get('bins')} equally wide bins of confidence, weighted by their examples"
            )
        case "brier":
            return (
                "Brier score, the mean squared distance of the averaged outputs from the label written as 0 and 1, "
                "from 0 to 2"
            )
        case _:
            assert_never(quality)


def _average_sentences(picture: EnsemblePicture) -> list[str]:
    without = [curve.group.title or "the group" for curve in picture.curves if curve.average is None]
    sentences = []
    if picture.has_averages:
        sentences.append(
            "Open marks on the left are the network at the mean of the members' weights, with re-estimated "
            "batch-norm statistics: one network, one forward pass."
        )
    if without:
        sentences.append(
            f"There is no mean of the weights for {join_words(without)}, whose members are not of one "
            "network, or whose batch norm cannot be re-estimated."
        )
    return sentences


def _above_sentences(picture: EnsemblePicture) -> list[str]:
    members = sum(picture.is_above(model) for curve in picture.curves for model in curve.members)
    averages = sum(curve.average is not None and picture.is_above(curve.average) for curve in picture.curves)
    kinds = ((members, "member alone", "members alone"), (averages, "mean of weights", "means of weights"))
    words = [f"{count:,} {one if count == 1 else more}" for count, one, more in kinds if count]
    verb = "lies" if members + averages == 1 else "lie"
    return [f"{join_words(words)} {verb} above the axis or diverged: arrows at its top."] if words else []


def _matrix_sentence(style: FigureStyle) -> str:
    match style.matrix:
        case "correlation":
            return (
                "The correlation (Pearson) of the softmax outputs of each pair of checkpoints, "
                f"{_VARIANTS[style.variant]}; Huang et al. (2017, figure 6) do not say which way they took."
            )
        case "disagreement":
            return (
                "The disagreement of each pair of checkpoints: the percentage of examples that the two put into "
                "different classes (Fort et al. 2019)."
            )
        case _:
            assert_never(style.matrix)


def _panel_words(panel: FanPanel, style: FigureStyle) -> str:
    name = f"{panel.group.title}: " if panel.group.title else ""
    known = [curve for curve in panel.curves if np.isfinite(curve.values).any()]
    if not known:
        return f"{name}no point has been evaluated yet"
    highest = max(known, key=lambda curve: float(np.max(curve.values[np.isfinite(curve.values)])))
    finite = np.where(np.isfinite(highest.values), highest.values, -np.inf)
    at = int(np.argmax(finite))
    return (
        f"{name}{format_value(highest.end, style.measure)} at the last checkpoint, at most "
        f"{format_value(float(finite[at]), style.measure)}, on the line from checkpoint {highest.number} at "
        f"t = {highest.t[at]:.2g}"
    )
