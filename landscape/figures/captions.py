"""Caption and alternative text: whole sentences made from the result, for everybody who meets the figure alone."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from landscape.core.requests import BatchNorm, Split
from landscape.core.results import provenance_of
from landscape.figures.captions_groups import (
    diversity_alt,
    diversity_caption,
    ensemble_alt,
    ensemble_caption,
    fan_alt,
    fan_caption,
)
from landscape.figures.captions_search import search_alt, search_caption
from landscape.figures.marks import marks_of
from landscape.figures.partial import drawn_part
from landscape.figures.scales import value_axis
from landscape.figures.sentences import join_words, measure_sentence, progress_sentence, self_check_sentence
from landscape.figures.style import FigureStyle, usual_style
from landscape.figures.texts import barrier_words, points
from landscape.figures.theme import format_value

_BATCH_NORM: dict[BatchNorm, str] = {
    "recalibrate": "re-estimated on the training examples at every point",
    "stored": "those of the first checkpoint, kept at every point",
    "interpolate": "moved with the weights",
}


def caption(result: xr.Dataset, style: FigureStyle | None = None) -> str:
    """Plain sentences for under the figure: axes, units, measure, conditions, what is hidden, what to beware of."""
    sentences = _CAPTIONS[result.attrs["study"]](result, style or usual_style(result.attrs["study"]))
    return " ".join(sentence for sentence in sentences if sentence)


def alt_text(result: xr.Dataset, style: FigureStyle | None = None) -> str:
    """One or two sentences for people who do not see the figure, made from its numbers."""
    return _ALT_TEXTS[result.attrs["study"]](result, style or usual_style(result.attrs["study"]))


def _line_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    return [
        *_line_sentences(_names(result, style)),
        measure_sentence(result, style),
        _batch_norm_sentence(result),
        *_line_extras(result, style),
        self_check_sentence(result),
    ]


def _plane_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    return [
        *_plane_sentences(_names(result, style), style),
        measure_sentence(result, style),
        _batch_norm_sentence(result),
        *_plane_extras(result, style),
        self_check_sentence(result),
        "This is a two-dimensional slice of weight space: what looks like a wall or a valley here may be passed by in "
        "the other dimensions.",
    ]


def _names(result: xr.Dataset, style: FigureStyle) -> str:
    return join_words([mark.name for mark in marks_of(result, style.split)])


def _batch_norm_sentence(result: xr.Dataset) -> str:
    policy = _BATCH_NORM[provenance_of(result).request.get("batch_norm", "recalibrate")]
    return f"Batch-norm statistics are {policy}; a network without batch norm is not affected."


def _line_sentences(names: str) -> list[str]:
    return [
        f"The straight line in weight space through the checkpoints {names}.",
        "Horizontal axis: t, the position on the line without unit; 0 is A, 1 is B.",
    ]


def _plane_sentences(names: str, style: FigureStyle) -> list[str]:
    third = "height and colour" if style.view == "surface" else "colour"
    return [
        f"The plane in weight space through the checkpoints {names}.",
        "Horizontal axis: alpha, the distance from A along the direction to B. Vertical axis: beta, the distance "
        "across, towards C. Both are lengths in weight space"
        + (f"; the {third} shows the value." if style.view == "surface" else ", drawn to the same scale."),
    ]


def _line_extras(result: xr.Dataset, style: FigureStyle) -> list[str]:
    words = [
        f"{split.capitalize()} {style.measure}: {barrier_words(result, style, split)}"
        for split in ("train", "test")
    ]
    sentences = [
        "; ".join(words)
        + ". The barrier is the largest rise above the straight line between the values of A and B, over the points "
        "evaluated between them."
    ]
    values = result[style.measure].values
    if np.isinf(values).any():
        sentences.append(f"{points(int(np.isinf(values).any(axis=0).sum()))} diverged and break the curve.")
    if style.clip is not None:
        beyond = int((np.isfinite(values) & (values > style.clip)).any(axis=0).sum())
        sentences.append(
            f"The axis ends at {format_value(style.clip, style.measure)}; {points(beyond)} above."
        )
    return [*sentences, progress_sentence(result)]


def _plane_extras(result: xr.Dataset, style: FigureStyle) -> list[str]:
    drawn = drawn_part(result)
    values = drawn[style.measure].sel(split=style.split).values
    axis = value_axis(values, style)
    sentences = [f"{len(drawn['alpha'])} by {len(drawn['beta'])} points are drawn (columns by rows)."]
    if axis.above:
        sentences.append(
            f"{points(axis.above)} above {format_value(axis.high, style.measure)} share the top colour (clipped)."
        )
    diverged, missing = int(np.isinf(values).sum()), int(np.isnan(values).sum())
    how = "left open" if style.view == "surface" else "hatched"
    if diverged:
        sentences.append(f"{points(diverged)} diverged (infinite); the cells that touch them are {how}.")
    if missing:
        sentences.append(f"{points(missing)} not evaluated; the cells that touch them are {how}.")
    return [*sentences, progress_sentence(result)]


def _line_alt(result: xr.Dataset, style: FigureStyle) -> str:
    marks = marks_of(result, style.split)
    ends = " and ".join(
        f"{format_value(mark.value(style.measure), style.measure)} at {mark.name}" for mark in marks
    )
    test: Split = "test" if style.split == "train" else "train"
    return (
        f"Curves of train and test {style.measure} along the line from {marks[0].name} to {marks[-1].name}. "
        f"{style.split.capitalize()} {style.measure} is {ends}, {barrier_words(result, style, style.split)}; "
        f"{test}: {barrier_words(result, style, test)}."
    )


def _plane_alt(result: xr.Dataset, style: FigureStyle) -> str:
    drawn = drawn_part(result)
    field = drawn[style.measure].sel(split=style.split)
    finite = field.where(np.isfinite(field))
    kind = "Surface" if style.view == "surface" else "Contour map"
    marks = marks_of(result, style.split)
    at_marks = ", ".join(
        f"{format_value(mark.value(style.measure), style.measure)} at {mark.name}" for mark in marks
    )
    if not bool(finite.notnull().any()):
        return f"{kind} of {style.split} {style.measure}; no point has been evaluated yet."
    lowest = finite.isel(finite.argmin(...))  # type: ignore[arg-type]
    return (
        f"{kind} of {style.split} {style.measure} over a plane through {len(marks)} checkpoints: {at_marks}. "
        f"It ranges from {format_value(float(finite.min()), style.measure)} (at alpha {float(lowest['alpha']):.3g}, "
        f"beta {float(lowest['beta']):.3g}) to {format_value(float(finite.max()), style.measure)}."
    )


_CAPTIONS: dict[str, Callable[[xr.Dataset, FigureStyle], list[str]]] = {
    "line": _line_caption,
    "plane": _plane_caption,
    "fan": fan_caption,
    "ensemble": ensemble_caption,
    "diversity": diversity_caption,
    "search": search_caption,
}
_ALT_TEXTS: dict[str, Callable[[xr.Dataset, FigureStyle], str]] = {
    "line": _line_alt,
    "plane": _plane_alt,
    "fan": fan_alt,
    "ensemble": ensemble_alt,
    "diversity": diversity_alt,
    "search": search_alt,
}
