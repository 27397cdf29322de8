"""What a training run will do, before it does it: for those who choose. No torch here."""

from typing import NamedTuple

import numpy as np

from landscape.core.data_references import parse_modifiers, split_reference
from landscape.core.training_requests import TrainingFields
from landscape.training.recipes import plan_of

# Training examples of the data sets that are known by name; how many a path holds is known once it is opened.
_EXAMPLES = {
    "digits": 1_437,
    "mnist": 60_000,
    "fashionmnist": 60_000,
    "cifar10": 50_000,
    "cifar100": 50_000,
    "svhn": 73_257,
}


class PlannedMark(NamedTuple):
    """A checkpoint that will be kept: after how many epochs, as what, and its label."""

    epoch: float
    kind: str
    label: str


class PlannedRates(NamedTuple):
    """The learning rate of every step.

    Attributes:
        epochs: Epochs behind each step when it begins, shape (steps,), float64.
        rates: Its learning rate, shape (steps,), float64.
        marks: The checkpoints that will be kept, in order.
    """

    epochs: np.ndarray
    rates: np.ndarray
    marks: tuple[PlannedMark, ...]


def planned_rates(request: TrainingFields, steps_per_epoch: int) -> PlannedRates:
    """The plan of a run; of a family, that of its networks one after the other.

    Raises:
        RequestError: The recipe's cycles do not fit into the epochs; the sentence says what would fit.
    """
    plan = plan_of(request, steps_per_epoch)
    marks = (PlannedMark(step / steps_per_epoch, kept.kind, kept.label) for step, kept in plan.kept.items())
    return PlannedRates(np.arange(plan.steps) / steps_per_epoch, plan.rates, tuple(sorted(marks)))


def steps_per_epoch_of(request: TrainingFields) -> int | None:
    """Steps in one pass over the data of a request; None where the data must be opened to know.

    Raises:
        DataError: A modifier of the data is unknown, or its share or seed is out of range.
    """
    base, modifiers = split_reference(request.data)
    examples = _EXAMPLES.get(base.casefold())
    if examples is None or any(modifier.name != "noise" for modifier in parse_modifiers(modifiers)):
        return None
    return 1 if request.optimizer == "lbfgs" else -(-examples // request.batch_size)
