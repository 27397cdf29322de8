"""A plan: what happens at each step of a training, and the parts that plans are made of. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from landscape.core.errors import RequestError
from landscape.core.training_requests import OWN_SCHEDULE, TrainingFields
from landscape.training.shapes import shape_factor, warmup_factor

Kind = Literal["start", "snapshot", "between"]


@dataclass(frozen=True)
class Kept:
    """A checkpoint that is kept: what it is to its run, and what people call it."""

    kind: Kind
    label: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """A recipe for a given number of steps per epoch. Steps count from 1; a step is one optimiser update.

    Attributes:
        steps_per_epoch: Batches in one pass over the training split.
        rates: Learning rate of each step, (steps,) float64.
        kept: Checkpoints by the step after which they are kept; 0 is the start, and the last step is among them.
        restarts: Steps that open a new cycle; the first of all is not among them.
        averaged: Steps after which the iterate joins the average.
        average_kept: Steps after which the average is kept as a checkpoint.
    """

    steps_per_epoch: int
    rates: np.ndarray
    kept: Mapping[int, Kept]
    restarts: frozenset[int] = field(default_factory=frozenset)
    averaged: frozenset[int] = field(default_factory=frozenset)
    average_kept: frozenset[int] = field(default_factory=frozenset)

    @property
    def steps(self) -> int:
        """Number of steps of the whole training."""
        return len(self.rates)


def rates_of_cycles(request: TrainingFields, steps_per_epoch: int, lengths: tuple[int, ...]) -> np.ndarray:
    """Rates of cycles of these lengths, in the request's schedule or, if it leaves that open, the recipe's own."""
    shape = OWN_SCHEDULE[request.recipe] if request.schedule == "recipe" else request.schedule

    def one_cycle(length: int) -> list[float]:
        return [
            request.learning_rate
            * shape_factor(shape, position, length, request=request, steps_per_epoch=steps_per_epoch)
            for position in range(length)
        ]

    cycles = {length: one_cycle(length) for length in set(lengths)}
    return np.array([rate for length in lengths for rate in cycles[length]], dtype=np.float64)


def with_warmup(request: TrainingFields, steps_per_epoch: int, steps: int, rates: np.ndarray) -> np.ndarray:
    """The same rates, rising linearly over the request's warm-up epochs."""
    length = min(request.warmup * steps_per_epoch, steps)
    factors = np.ones(steps)
    factors[:length] = [warmup_factor(position, length) for position in range(length)]
    return rates * factors


def equal_steps(first: int, last: int, count: int) -> list[int]:
    """`count` steps from behind `first` to `last` at equal distances, rounded to the nearest (halves up)."""
    room = last - first
    if count > room:
        raise RequestError(
            f"{count} checkpoints do not fit into {room} steps; ask for at most {room}, or train for more epochs."
        )
    # floor(k * room / count + 1/2) in whole numbers
    return [first + (2 * k * room + count) // (2 * count) for k in range(1, count + 1)]


def label_of(step: int, steps_per_epoch: int) -> str:
    """What people call a checkpoint that ends no cycle."""
    epoch, rest = divmod(step, steps_per_epoch)
    return f"step {step}" if rest else f"epoch {epoch}"
