"""The request of a search: settings of a training run, drawn at random, coarse to fine."""

import math
from itertools import pairwise

from landscape.core.errors import RequestError
from landscape.core.request_base import check_counts, default_of
from landscape.core.training_requests import FAMILIES, Recipe, TrainingFields, why_unused

# The ranges of a search: the run's field that each draws, and whether evenly in the logarithm.
RANGES: dict[str, tuple[str, bool]] = {
    "learning_rates": ("learning_rate", True),
    "weight_decays": ("weight_decay", True),
    "momenta": ("momentum", False),
    "label_smoothings": ("label_smoothing", False),
    "mixups": ("mixup", False),
}


_BELOW_ONE = ("momentum", "label_smoothing")


class SearchRequest(TrainingFields, frozen=True, kw_only=True, tag="search"):
    """A random search for settings of a training run, coarse to fine, on a validation split.

    Every trial draws its settings, trains for the epochs of the first stage, and goes on to the next stage as long as
    it is among the better ones (successive halving; Li et al. 2020). Its error is measured on a part of the training
    split that it does not train on; the test split is never looked at. All other fields are those of the run.

    Attributes:
        trials: Number of settings that are tried.
        stages: Epochs of the coarser stages, increasing; the last stage has the run's own number of epochs.
        keep: One in so many trials goes on to the next stage.
        best: Number of the best networks whose ensemble is evaluated.
        validation: Share of the training split that is held out.
        learning_rates: Lowest and highest learning rate, drawn evenly in the logarithm.
        weight_decays: Lowest and highest weight decay, drawn evenly in the logarithm; leave it out for the run's own.
        momenta: Lowest and highest momentum, drawn evenly; leave it out for the run's own.
        label_smoothings: The same for the label smoothing.
        mixups: The same for mixup.
    """

    recipe: Recipe = "standard"
    cycles: int = 1
    trials: int = 20
    stages: tuple[int, ...] = (1, 5)
    keep: int = 3
    best: int = 3
    validation: float = 0.2
    learning_rates: tuple[float, float] = (1e-3, 1.0)
    weight_decays: tuple[float, float] | None = (1e-6, 1e-2)
    momenta: tuple[float, float] | None = None
    label_smoothings: tuple[float, float] | None = None
    mixups: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a search that cannot be made."""
        super().__post_init__()
        check_counts(self, "trials", "best")
        if self.recipe in FAMILIES:
            raise RequestError(
                f"A search tries single networks, and the recipe {self.recipe} trains several; choose another recipe."
            )
        if self.keep < 2:
            raise RequestError(f"keep is {self.keep}; give at least 2: one in so many trials goes on.")
        increasing = (*self.stages, self.epochs)
        if min(increasing) < 1 or any(a >= b for a, b in pairwise(increasing)):
            raise RequestError(
                f"The stages have {', '.join(map(str, increasing))} epochs; give increasing numbers below the run's "
                f"{self.epochs} epochs, or none."
            )
        if not 0 < self.validation < 1:
            raise RequestError(
                f"The validation share is {self.validation}; give a number between 0 and 1, such as 0.2."
            )
        for name, (field, _) in RANGES.items():
            _check_range(name, getattr(self, name))
            reason = why_unused(self, field)
            if reason is not None and getattr(self, name) != default_of(SearchRequest, name):
                raise RequestError(f"{name} is given, but {reason}; leave it out.")
        if self.best > self.trials:
            raise RequestError(
                f"best is {self.best}, but there are {self.trials} trials; give at most that many."
            )

    @property
    def drawn(self) -> dict[str, tuple[float, float]]:
        """The fields of a run that are drawn, and between which ends; without those that its recipe has no use for."""
        ranges = {field: getattr(self, name) for name, (field, _) in RANGES.items()}
        return {
            field: ends
            for field, ends in ranges.items()
            if ends is not None and why_unused(self, field) is None
        }


def _check_range(name: str, limits: tuple[float, float] | None) -> None:
    if limits is None:
        return
    low, high = limits
    field, in_log = RANGES[name]
    if field in _BELOW_ONE and high >= 1:
        raise RequestError(
            f"The range {low:g}:{high:g} of the {field.replace('_', ' ')} cannot be searched; end it below 1."
        )
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or low < 0 or (in_log and low == 0):
        least = "positive" if in_log else "of at least 0"
        raise RequestError(
            f"The range {low:g}:{high:g} of the {field.replace('_', ' ')} cannot be searched; give two numbers "
            f"{least}, the smaller first."
        )
