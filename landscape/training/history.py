"""What a run measures on its way, in memory; `Run.history` says what each name means."""

from collections.abc import Mapping

import numpy as np

from landscape.training.evaluation import METRICS

PER_STEP = ("step", "learning_rate", "train_loss", "train_accuracy")
PER_CHECKPOINT = ("checkpoint_step", *(f"checkpoint_{name}" for name in METRICS))


class History:
    """Rows per step and rows per checkpoint.

    Args:
        arrays: An earlier history to go on from, by name.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray] | None = None) -> None:
        names = (*PER_STEP, *PER_CHECKPOINT)
        self._columns: dict[str, list[float]] = {
            name: [] if arrays is None else [float(value) for value in arrays[name]] for name in names
        }

    def add_step(self, step: int, rate: float, loss: float, accuracy: float) -> None:
        """One step: its learning rate, the batch's mean loss in nats, and the fraction classified rightly."""
        for name, value in zip(PER_STEP, (step, rate, loss, accuracy), strict=True):
            self._columns[name].append(value)

    def add_checkpoint(self, step: int, metrics: Mapping[str, float]) -> None:
        """One checkpoint: the metrics of whole splits."""
        values = (step, *(metrics[name] for name in METRICS))
        for name, value in zip(PER_CHECKPOINT, values, strict=True):
            self._columns[name].append(value)

    def last(self, name: str) -> float | None:
        """The newest value of a name, or None before the first."""
        return self._columns[name][-1] if self._columns[name] else None

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns as float64 arrays."""
        return {name: np.asarray(values, dtype=np.float64) for name, values in self._columns.items()}
