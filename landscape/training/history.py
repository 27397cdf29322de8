"""What a run measures on its way, in memory; `Run.history` says what each name means."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from landscape.training.evaluation import METRICS

Table = Literal["step", "checkpoint", "average", "epoch"]

COLUMNS: dict[Table, tuple[str, ...]] = {
    "step": ("step", "learning_rate", "train_loss", "train_accuracy"),
    "checkpoint": (
        "checkpoint_step",
        *(f"checkpoint_{name}" for name in METRICS),
        "checkpoint_epoch",
        "checkpoint_seconds",
    ),
    "average": ("average_step", *(f"average_{name}" for name in METRICS)),
    "epoch": ("epoch_step", "epoch_test_loss", "epoch_test_accuracy"),
}


class History:
    """Rows per step, per checkpoint, per kept average and per epoch.

    Args:
        arrays: An earlier history to go on from, by name.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        names = [name for columns in COLUMNS.values() for name in columns]
        self._columns: dict[str, list[float]] = {
            name: [] if arrays is None else [float(value) for value in arrays[name]] for name in names
        }

    def add(self, table: Table, *values: float) -> None:
        """One row of a table, in the order of its columns."""
        for name, value in zip(COLUMNS[table], values, strict=True):
            self._columns[name].append(value)

    def last(self, name: str) -> float | None:
        """The newest value of a name, or None before the first."""
        return self._columns[name][-1] if self._columns[name] else None

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns as float64 arrays."""
        return {name: np.asarray(values, dtype=np.float64) for name, values in self._columns.items()}


def joined(histories: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The histories of a family's runs as one, as if they had been trained one after the other.

    Steps, epochs and seconds of each go on where the one before ended; of the starts only the first is kept.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in histories[0]}
    offsets = {"step": 0.0, "epoch": 0.0, "seconds": 0.0}
    for number, history in enumerate(histories):
        for name, values in history.items():
            moved = values + offsets.get(name.rpartition("_")[2], 0.0)
            parts[name].append(moved[1:] if number and name.startswith("checkpoint_") else moved)
        for unit, column in (
            ("step", "step"),
            ("epoch", "checkpoint_epoch"),
            ("seconds", "checkpoint_seconds"),
        ):
            offsets[unit] += float(history[column][-1])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
