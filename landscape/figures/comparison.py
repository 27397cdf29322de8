"""What a comparison of runs draws: test accuracy and learning rate over the epochs spent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from landscape.core.errors import RequestError
from landscape.figures.groups import spread_labels
from landscape.figures.marks import shorten
from landscape.figures.series import MOST_POINTS, History

_NOTHING = np.zeros(0)
# Most of what is to be seen lies above this quantile of all values: the axis begins a little below it, since the first
# epochs of every network lie far below. Ours: chosen by eye.
_LOWEST_QUANTILE = 0.15
# Direct labels for at most so many runs with names of at most so many characters; else a legend.
_MOST_LABELS, _LONGEST_NAME = 6, 16


@dataclass(frozen=True, eq=False)
class RunCurve:
    """One run. Epochs are those spent so far, of all networks of a family together.

    Attributes:
        name: As its owner wrote it; not escaped.
        epoch: Epochs at which the test accuracy is known, (E,).
        accuracy: Test accuracy there, (E,).
        kept_epoch: Epochs of the checkpoints.
        kept_accuracy: Their test accuracies.
        average_epoch: Epochs of the averages of weights.
        average_accuracy: Their test accuracies.
        rate_epoch: Epochs of the learning rates.
        rate: Learning rates.
    """

    name: str
    epoch: np.ndarray
    accuracy: np.ndarray
    kept_epoch: np.ndarray
    kept_accuracy: np.ndarray
    average_epoch: np.ndarray
    average_accuracy: np.ndarray
    rate_epoch: np.ndarray
    rate: np.ndarray

    @property
    def title(self) -> str:
        """Its name on one line; not escaped."""
        return shorten(self.name)

    @property
    def last_epoch(self) -> float:
        """Epochs spent in all."""
        return max(float(part[-1]) for part in (self.epoch, self.rate_epoch) if len(part))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that is drawn.

    Attributes:
        runs: In the order given.
        low: Lowest accuracy on the axis.
        high: Highest.
        epochs: Epochs of the longest run.
        labelled: Whether the curves carry their names; else a legend does.
    """

    runs: tuple[RunCurve, ...]
    low: float
    high: float
    epochs: float
    labelled: bool

    def label_heights(self, *, share: float) -> list[tuple[float, float]]:
        """Where each curve ends and where its name stands.

        Args:
            share: Least distance of two names, as a fraction of the axis.
        """
        least = share * (self.high - self.low)
        ends = [float(np.clip(run.accuracy[-1], self.low, self.high)) for run in self.runs]
        spread = spread_labels(ends, least=least, low=self.low + least / 2, high=self.high - least / 2)
        return list(zip(ends, spread, strict=True))


def comparison_of(histories: Mapping[str, History]) -> Comparison:
    """What is drawn of several histories.

    Raises:
        RequestError: There is none, or one does not say how many epochs its steps are.
    """
    if not histories:
        raise RequestError("There is no run to compare; name at least one.")
    runs = tuple(_curve(name, history) for name, history in histories.items())
    values = np.concatenate(
        [part for run in runs for part in (run.accuracy, run.kept_accuracy, run.average_accuracy)]
    )
    values = values[np.isfinite(values)]
    low, high = (
        (float(np.quantile(values, _LOWEST_QUANTILE)), float(values.max())) if len(values) else (0.0, 1.0)
    )
    low = min(
        [low, *(float(run.accuracy[-1]) for run in runs if len(run.accuracy))]
    )  # every end is to be seen
    room = max(0.08 * (high - low), 0.005)
    return Comparison(
        runs,
        max(0.0, low - room),
        min(1.0, high + room) if high < 1 else 1 + 0.2 * room,
        max(run.last_epoch for run in runs),
        len(runs) <= _MOST_LABELS and max(len(run.title) for run in runs) <= _LONGEST_NAME,
    )


def _curve(name: str, history: History) -> RunCurve:
    step = history.get("step", _NOTHING)
    window = max(1, -(-len(step) // MOST_POINTS))
    kept = _epochs(name, history, history.get("checkpoint_step", _NOTHING))
    kept_accuracy = history.get("checkpoint_test_accuracy", _NOTHING)
    per_epoch = history.get("epoch_test_accuracy", _NOTHING)
    return RunCurve(
        name,
        # An older run knows its test accuracy at the checkpoints alone.
        _epochs(name, history, history["epoch_step"]) if len(per_epoch) else kept,
        per_epoch if len(per_epoch) else kept_accuracy,
        kept,
        kept_accuracy,
        _epochs(name, history, history.get("average_step", _NOTHING)),
        history.get("average_test_accuracy", _NOTHING),
        _epochs(name, history, step[::window]),
        history.get("learning_rate", _NOTHING)[::window],
    )


def _epochs(name: str, history: History, steps: np.ndarray) -> np.ndarray:
    """Epochs spent after so many steps: linear between what is known, and at the same pace behind it."""
    known_steps = history.get("checkpoint_step", _NOTHING)
    known_epochs = history.get("checkpoint_epoch", _NOTHING)
    if len(known_epochs) < 2:
        per_epoch = history.get("epoch_step", _NOTHING)
        known_steps = np.concatenate([[0.0], per_epoch])
        known_epochs = np.arange(len(known_steps), dtype=np.float64)
    if len(known_epochs) < 2:
        raise RequestError(
            f"The history of {name!r} does not say how many epochs its steps are; train the run again, or leave it "
            "out of the comparison."
        )
    pace = (known_epochs[-1] - known_epochs[-2]) / (known_steps[-1] - known_steps[-2])
    behind = known_epochs[-1] + pace * (steps - known_steps[-1])
    return np.where(steps > known_steps[-1], behind, np.interp(steps, known_steps, known_epochs))
