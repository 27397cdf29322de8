"""Caption and alternative text of a search."""

import numpy as np
import xarray as xr

from landscape.core.results import provenance_of
from landscape.core.search_measures import boundary_warnings
from landscape.figures.marks import shorten
from landscape.figures.search import SearchPicture, search_picture
from landscape.figures.sentences import join_words
from landscape.figures.style import FigureStyle
from landscape.figures.theme import format_value


def search_caption(result: xr.Dataset, style: FigureStyle) -> list[str]:
    """The sentences under a search."""
    picture = search_picture(result, style)
    in_log = [axis.name for axis in picture.axes if axis.in_log]
    scales = f" ({join_words(in_log)} on logarithmic axes)" if in_log else ""
    return [
        f"A random search on {shorten(provenance_of(result).data)}. Above, each line is one trial: across the "
        f"settings drawn for it{scales} to its validation error; below, that error over each setting. The ends of "
        "the axes are the ends of the searched ranges.",
        "The validation error is the percentage of held-out training examples put into a wrong class, "
        f"{_stages(picture)}; the test split is never looked at. The better, the stronger the colour.",
        f"{_states(result)}.",
        *_best(result, picture),
        *boundary_warnings(result),
    ]


def search_alt(result: xr.Dataset, style: FigureStyle) -> str:
    """The search in words."""
    picture = search_picture(result, style)
    axes = join_words([axis.name for axis in picture.axes])
    return " ".join(
        [
            f"Validation error of {len(picture.trials):,} trials over {axes}. {_states(result)}.",
            *_best(result, picture),
        ]
    )


def _stages(picture: SearchPicture) -> str:
    epochs = [f"{count:,}" for count in picture.stage_epochs]
    if len(epochs) == 1:
        return f"after {epochs[0]} epochs"
    return (
        f"after the last stage that a trial reached ({', '.join(epochs[:-1])} or {epochs[-1]} epochs): a trial "
        "that was stopped early, with a broken line and an open mark, has been trained for less and cannot be "
        "compared with one that came through"
    )


def _states(result: xr.Dataset) -> str:
    states = [str(state) for state in result["state"].values]
    words = {"complete": "came through", "pruned": "stopped early (pruned)", "failed": "failed"}
    counts = [f"{states.count(state):,} {what}" for state, what in words.items() if state in states]
    return f"Of {len(states):,} trials {join_words(counts)}"


def _best(result: xr.Dataset, picture: SearchPicture) -> list[str]:
    best = picture.best
    if best is None:
        return ["No trial has a validation error."]
    settings = ", ".join(best.words[1 : 1 + len(picture.axes)])
    sentences = [
        f"The best (star) is trial {best.number} with a validation error of {format_value(best.error, 'error')} "
        f"after {best.epochs:,} epochs: {settings}."
    ]
    ensembles = result["ensemble_error"].values
    known = np.flatnonzero(np.isfinite(ensembles))
    if len(known) and int(result["size"].values[known[-1]]) > 1:
        size, error = int(result["size"].values[known[-1]]), float(ensembles[known[-1]])
        sentences.append(f"The ensemble of the best {size} has {format_value(error, 'error')}.")
    return sentences
