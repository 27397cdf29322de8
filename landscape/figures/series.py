"""What a training figure draws: long histories thinned to what a screen can show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from landscape.core.requests import SPLITS, Split

MOST_POINTS = 1500  # ours: more points than a figure has pixels only make it slow

History = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Series:
    """One curve or one row of marks.

    Attributes:
        name: For the legend; the same in the panels of loss and accuracy.
        panel: 0 learning rate, 1 loss, 2 accuracy.
        kind: `curve` is per step, `mark` is per checkpoint.
        split: Whose numbers they are; decides the colour.
        step: Steps, (N,).
        values: Values, (N,).
    """

    name: str
    panel: int
    kind: Literal["curve", "mark"]
    split: Split
    step: np.ndarray
    values: np.ndarray


PANELS = ("learning rate", "cross-entropy (nats)", "accuracy")

_CURVES = (("learning_rate", 0), ("train_loss", 1), ("train_accuracy", 2))
_MARKS = (("loss", 1), ("accuracy", 2))


def training_series(history: History) -> list[Series]:
    """The curves and marks of a history; what is missing or empty is left out.

    Args:
        history: As `Run.history`: float64 arrays `step`, `learning_rate`, `train_loss`, `train_accuracy`, one entry
            per step; `checkpoint_step` and `checkpoint_{train,test}_{loss,accuracy}`, one per checkpoint.
    """
    step = history.get("step", np.zeros(0))
    window = max(1, -(-len(step) // MOST_POINTS))
    words = f", mean of {window} steps" if window > 1 else ", per step"
    found = [
        Series(
            "learning rate" if name == "learning_rate" else f"train{words}",
            panel,
            "curve",
            "train",
            # The rate jumps at a restart: an average would draw values that were never used.
            step[::window] if name == "learning_rate" else window_means(step, window),
            history[name][::window] if name == "learning_rate" else window_means(history[name], window),
        )
        for name, panel in _CURVES
        if len(history.get(name, ()))
    ]
    for measure, panel in _MARKS:
        for split in SPLITS:
            values = history.get(f"checkpoint_{split}_{measure}", np.zeros(0))
            if len(values):
                found.append(
                    Series(
                        f"{split}, checkpoints",
                        panel,
                        "mark",
                        split,
                        history["checkpoint_step"],
                        values,
                    )
                )
    return found


def window_means(values: np.ndarray, window: int) -> np.ndarray:
    """Means of neighbouring entries, `window` at a time; the last window may be short.

    >>> window_means(np.array([1.0, 3.0, 8.0]), 2).tolist()
    [2.0, 8.0]
    """
    starts = np.arange(0, len(values), window)
    sums = np.add.reduceat(values, starts) if len(values) else values
    return sums / np.diff(np.append(starts, len(values)))
