"""Caption and alternative text: whole sentences made from the result, for everybody who meets the figure alone."""

from typing import assert_never

import numpy as np
import xarray as xr

from landscape.core.requests import BatchNorm, Split
from landscape.core.results import provenance_of, self_check
from landscape.figures.marks import marks_of, shorten
from landscape.figures.partial import drawn_part
from landscape.figures.scales import axis_kind, value_axis
from landscape.figures.style import FigureStyle
from landscape.figures.texts import barrier_words, points, progress
from landscape.figures.theme import format_value

_BATCH_NORM: dict[BatchNorm, str] = {
    "recalibrate": "re-estimated on the training examples at every point",
    "stored": "those of the first checkpoint, kept at every point",
    "interpolate": "moved with the weights",
}


def caption(result: xr.Dataset, style: FigureStyle | None = None) -> str:
    """Plain sentences for under the figure: axes, units, measure, conditions, what is hidden, what to beware of."""
    style = style or FigureStyle()
    provenance = provenance_of(result)
    marks = marks_of(result, style.split)
    names = ", ".join(mark.name for mark in marks[:-1]) + f" and {marks[-1].name}"
    on_line = result.attrs["study"] == "line"
    policy = _BATCH_NORM[provenance.request.get("batch_norm", "recalibrate")]
    sentences = [
        *(_line_sentences(names) if on_line else _plane_sentences(names, style)),
        _measure_sentence(result, style),
        f"Batch-norm statistics are {policy}; a network without batch norm is not affected.",
        *(_line_extras(result, style) if on_line else _plane_extras(result, style)),
        _self_check_sentence(result),
    ]
    if not on_line:
        sentences.append(
            "This is a two-dimensional slice of weight space: what looks like a wall or a valley here may be passed by "
            "in the other dimensions."
        )
    return " ".join(sentence for sentence in sentences if sentence)


def alt_text(result: xr.Dataset, style: FigureStyle | None = None) -> str:
    """One or two sentences for people who do not see the figure, made from its numbers."""
    style = style or FigureStyle()
    on_line = result.attrs["study"] == "line"
    return _line_alt(result, style) if on_line else _plane_alt(result, style)


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


def _measure_sentence(result: xr.Dataset, style: FigureStyle) -> str:
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
    return [*sentences, _progress_sentence(result)]


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
    return [*sentences, _progress_sentence(result)]


def _self_check_sentence(result: xr.Dataset) -> str:
    difference = self_check(result)
    if np.isnan(difference):
        return "Self-check: the checkpoints have not been evaluated yet."
    policy = provenance_of(result).request.get("batch_norm", "recalibrate")
    how = f"differ by at most {difference:.1e} (relative, nll)" if difference else "are equal"
    sentence = f"Self-check: the value here at each checkpoint and that checkpoint's own evaluation {how}"
    if policy == "stored":
        return (
            f"{sentence}; under this batch-norm policy the difference at every checkpoint but A is real, "
            "since they are drawn with A's statistics."
        )
    return f"{sentence}."


def _progress_sentence(result: xr.Dataset) -> str:
    so_far = progress(result)
    return f"The result is not complete: {so_far}." if so_far else ""


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
