"""Captions and alternative texts of training histories, alone and side by side."""

from collections.abc import Collection, Mapping

import numpy as np

from landscape.figures.comparison import RunCurve, comparison_of
from landscape.figures.sentences import join_words
from landscape.figures.series import History
from landscape.figures.theme import format_value

_NOTHING = np.zeros(0)


def training_caption(
    history: History, *, snapshots: Collection[float] | None = None, starts: Collection[float] = ()
) -> str:
    """Plain sentences for under the figure of `draw_training`, which takes the same arguments."""
    if snapshots is None:
        lines, marks = "checkpoints", "Marks are the checkpoints"
    else:
        lines, marks = "snapshots", "Large marks are the snapshots and small ones other checkpoints"
    sentences = [
        "Horizontal axis: optimiser steps. Vertical axes: the learning rate of each step; the mean cross-entropy "
        "in nats per example, without weight decay, on a logarithmic scale; the accuracy in percent.",
        "The thin curve is the training batches in training mode, averaged over neighbouring steps where the "
        "legend says so.",
        "The strong curve is the test split after each epoch."
        if len(history.get("epoch_step", _NOTHING))
        else "",
        f"{marks}, evaluated on whole splits; dotted lines show where the {lines} lie.",
        "Stars are averages of the weights, whose batch-norm statistics are re-estimated."
        if len(history.get("average_step", _NOTHING))
        else "",
        "Behind each solid line another network begins from a start of its own." if starts else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def training_alt(history: History) -> str:
    """One sentence for people who do not see the figure."""
    accuracies = history.get("checkpoint_test_accuracy", _NOTHING)
    if not len(accuracies):
        return "Learning rate, cross-entropy and accuracy over the steps of a run without a checkpoint yet."
    first, last = (format_value(float(1 - value), "error") for value in accuracies[[0, -1]])
    steps = int(history["checkpoint_step"][-1])
    return (
        "Learning rate, cross-entropy and accuracy over the steps of a run. The test error goes from "
        f"{first} to {last} after {steps:,} steps."
    )


def comparison_caption(histories: Mapping[str, History]) -> str:
    """Plain sentences for under the figure of `compare_training`.

    Raises:
        RequestError: There is no run, or one does not say how many epochs its steps are.
    """
    comparison = comparison_of(histories)
    names = join_words([run.title for run in comparison.runs])
    sentences = [
        f"Runs: {names}.",
        "Horizontal axis: epochs spent, those of all networks of a family together. Vertical axes: the accuracy on "
        "the whole test split in percent, and the learning rate.",
        f"The upper axis begins at {format_value(comparison.low, 'error')}: what lies below is not shown."
        if comparison.low > 0
        else "",
        "Marks are checkpoints.",
        "Open stars are averages of the weights."
        if any(len(run.average_epoch) for run in comparison.runs)
        else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def comparison_alt(histories: Mapping[str, History]) -> str:
    """One sentence for people who do not see the figure.

    Raises:
        RequestError: There is no run, or one does not say how many epochs its steps are.
    """
    runs = comparison_of(histories).runs
    words = "; ".join(_run_words(run) for run in runs)
    return f"Test accuracy and learning rate of {len(runs):,} runs over the epochs spent; {words}."


def _run_words(run: RunCurve) -> str:
    last = format_value(float(run.accuracy[-1]), "error") if len(run.accuracy) else "no test accuracy"
    words = f"{run.title}: {last} after {run.last_epoch:.4g} epochs"
    if len(run.average_accuracy):
        words += f", {format_value(float(run.average_accuracy[-1]), 'error')} with the weights averaged"
    return words
