"""What a training figure draws: long histories thinned to what a screen can show."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from landscape.core.requests import SPLITS, Split

MOST_POINTS = 1500  # ours: more points than a figure has pixels only make it slow

History = Mapping[str, np.ndarray]
Kind = Literal["curve", "snapshot", "checkpoint", "average"]


@dataclass(frozen=True, eq=False)
class Series:
    """One curve or one row of marks.

    Attributes:
        name: For the legend; the same in the panels of loss and accuracy.
        panel: 0 learning rate, 1 loss, 2 accuracy.
        kind: `curve` is per step or per epoch; `snapshot` and `checkpoint` are the iterates that were kept, `average`
            the averages of weights.
        split: Whose numbers they are; decides the colour.
        step: Steps, (N,).
        values: Values, (N,); NaN breaks a curve.
    """

    name: str
    panel: int
    kind: Kind
    split: Split
    step: np.ndarray
    values: np.ndarray


PANELS = ("learning rate", "cross-entropy (nats)", "accuracy")

_PER_STEP = (("learning_rate", 0), ("train_loss", 1), ("train_accuracy", 2))
_MEASURES = (("loss", 1), ("accuracy", 2))
_NOTHING = np.zeros(0)


def training_series(
    history: History, *, snapshots: Collection[float] | None = None, starts: Collection[float] = ()
) -> list[Series]:
    """The curves and marks of a history; what is missing or empty is left out.

    Args:
        history: As `Run.history`: float64 arrays `step`, `learning_rate`, `train_loss`, `train_accuracy`, one entry
            per step; `epoch_step`, `epoch_test_{loss,accuracy}`, one per epoch; `checkpoint_step` and
            `checkpoint_{train,test}_{loss,accuracy}`, one per checkpoint; `average_*` likewise, one per average.
        snapshots: Steps of the checkpoints that are the recipe's snapshots; None for all of them.
        starts: Steps after which another network begins, which no curve may lead to.
    """
    return [
        *_step_series(history, starts),
        *_epoch_series(history, starts),
        *_kept_series(history, snapshots),
        *_average_series(history),
    ]


def kept_steps(history: History, snapshots: Collection[float] | None) -> list[float]:
    """Steps at which a line stands: those of the snapshots, or of all checkpoints."""
    steps = history.get("checkpoint_step", _NOTHING) if snapshots is None else snapshots
    return [float(step) for step in steps]


def window_means(values: np.ndarray, window: int) -> np.ndarray:
    """Means of neighbouring entries, `window` at a time; the last window may be short.

    >>> window_means(np.array([1.0, 3.0, 8.0]), 2).tolist()
    [2.0, 8.0]
    """
    starts = np.arange(0, len(values), window)
    sums = np.add.reduceat(values, starts) if len(values) else values
    return sums / np.diff(np.append(starts, len(values)))


def broken(step: np.ndarray, values: np.ndarray, starts: Collection[float]) -> tuple[np.ndarray, np.ndarray]:
    """A curve with a gap at each step after which another network begins.

    >>> step, values = broken(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]), [2.0])
    >>> step.tolist(), values.tolist()
    ([1.0, 2.0, 2.0, 3.0], [5.0, 6.0, nan, 7.0])
    """
    places = np.array(sorted(starts), dtype=np.float64)
    at = np.searchsorted(step, places, side="right")
    inner = (at > 0) & (at < len(step))
    return np.insert(step, at[inner], places[inner]), np.insert(values, at[inner], np.nan)


def _step_series(history: History, starts: Collection[float]) -> list[Series]:
    step = history.get("step", _NOTHING)
    window = max(1, -(-len(step) // MOST_POINTS))
    words = f", mean of {window} steps" if window > 1 else ", per step"
    found = []
    for name, panel in _PER_STEP:
        values = history.get(name, _NOTHING)
        if len(values):
            is_rate = name == "learning_rate"
            # The rate jumps at a restart: an average would draw values that were never used.
            thinned = (
                (step[::window], values[::window])
                if is_rate
                else broken(window_means(step, window), window_means(values, window), starts)
            )
            found.append(
                Series("learning rate" if is_rate else f"train{words}", panel, "curve", "train", *thinned)
            )
    return found


def _epoch_series(history: History, starts: Collection[float]) -> list[Series]:
    step = history.get("epoch_step", _NOTHING)
    return [
        Series(
            "test, per epoch", panel, "curve", "test", *broken(step, history[f"epoch_test_{name}"], starts)
        )
        for name, panel in _MEASURES
        if len(step) and len(history.get(f"epoch_test_{name}", _NOTHING))
    ]


def _kept_series(history: History, snapshots: Collection[float] | None) -> list[Series]:
    step = history.get("checkpoint_step", _NOTHING)
    chosen = np.ones(len(step), dtype=bool) if snapshots is None else np.isin(step, list(snapshots))
    main = "checkpoints" if snapshots is None else "snapshots"
    kinds: tuple[tuple[Kind, str, np.ndarray], ...] = (
        ("checkpoint", "other checkpoints", ~chosen),
        ("snapshot", main, chosen),
    )
    return [
        Series(f"{split}, {words}", panel, kind, split, step[among], values[among])
        for name, panel in _MEASURES
        for split in SPLITS
        for values in (history.get(f"checkpoint_{split}_{name}", _NOTHING),)
        for kind, words, among in kinds
        if len(values) and among.any()
    ]


def _average_series(history: History) -> list[Series]:
    step = history.get("average_step", _NOTHING)
    return [
        Series(f"{split}, weights averaged", panel, "average", split, step, values)
        for name, panel in _MEASURES
        for split in SPLITS
        for values in (history.get(f"average_{split}_{name}", _NOTHING),)
        if len(step) and len(values)
    ]
