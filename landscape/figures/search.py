"""What a search figure draws: the drawn settings of every trial and how it did."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import xarray as xr

from landscape.core.search_measures import (
    at_boundary,
    best_trial,
    last_values,
    share_of_range,
    stages_reached,
)
from landscape.figures.profile import ProfileAxis, curve_axis
from landscape.figures.scales import linear_ticks, log_ticks
from landscape.figures.style import FigureStyle
from landscape.figures.theme import at_place, format_value, standing_out

# Shapes: T trials

ERROR_NAME = "validation error"
_CLEAR = 0.15  # of an axis: no tick nearer to an end of the range, which has a tick of its own

# A trial that did not reach the last stage is told apart by shape, dash and strength, the last stage first.
STAGE_SYMBOLS = ("circle", "diamond-open", "triangle-down-open", "square-open")
STAGE_SYMBOLS_PRINT = ("o", "D", "v", "s")
STAGE_DASHES = ("solid", "dash", "dot", "dot")
STAGE_WIDTHS = (2.2, 1.5, 1.1, 1.1)

End = Literal["low", "high"]


@dataclass(frozen=True)
class SettingAxis:
    """One setting that is searched.

    Attributes:
        name: In words; not escaped.
        low: Lower end of the searched range.
        high: Upper end.
        in_log: Whether it was drawn evenly in the logarithm.
        best_at: The end of the range at which the best trial lies, if it does.
    """

    name: str
    low: float
    high: float
    in_log: bool
    best_at: End | None

    def share(self, value: float) -> float:
        """Where a value lies in the range, from 0 to 1."""
        return share_of_range(value, self.low, self.high, self.in_log)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Shares and texts of at most so many ticks, at least 3; both ends have one."""
        inner = log_ticks(self.low, self.high) if self.in_log else linear_ticks(self.low, self.high)
        powers = [value for value in inner if f"{value:e}".startswith("1.000")]
        inner = powers if self.in_log and len(powers) > 2 else inner
        inner = [value for value in inner if _CLEAR < self.share(value) < 1 - _CLEAR]
        every = max(1, -(-len(inner) // (most - 2)))
        inner = inner[(len(inner) - 1) % every // 2 :: every]
        return [(self.share(value), _short(value)) for value in (self.low, *inner, self.high)]


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: Its number.
        shares: Where each of its settings lies in its range.
        words: What the pointer reads; not escaped.
        behind: How many stages it stayed behind the last one; 0 for one that came through.
        error: Validation error in the last stage it reached; +inf if it failed there, NaN if it
            failed before.
        epochs: Epochs of that stage; 0 if there is none.
        is_best: Whether it is the best.
    """

    number: int
    shares: tuple[float, ...]
    words: tuple[str, ...]
    behind: int
    error: float
    epochs: int
    is_best: bool

    @property
    def is_finite(self) -> bool:
        """Whether it has a validation error."""
        return bool(np.isfinite(self.error))


@dataclass(frozen=True, eq=False)
class SearchPicture:
    """Everything that is drawn.

    Attributes:
        axes: One per setting.
        trials: In the order in which they are drawn: the best at last, on top.
        errors: The axis of the validation error.
        stage_epochs: Epochs of the stages, increasing.
        style: Gives the colours.
    """

    axes: tuple[SettingAxis, ...]
    trials: tuple[Trial, ...]
    errors: ProfileAxis
    stage_epochs: tuple[int, ...]
    style: FigureStyle

    def height(self, trial: Trial) -> float:
        """Position of a trial on the error axis; at its top where there is no finite error."""
        value = trial.error if trial.is_finite else self.errors.high
        return float(self.errors.position(np.array([min(value, self.errors.high)]))[0])

    def share(self, trial: Trial) -> float:
        """The same, as a share of the axis from 0 to 1."""
        low, high = self.errors.limits
        return (self.height(trial) - low) / (high - low)

    def color(self, trial: Trial) -> str:
        """The colour of a trial with a finite error: the better, the more it stands out."""
        best, worst = self._reach
        share = 0.5 if worst == best else (self.height(trial) - best) / (worst - best)
        return at_place(standing_out(self.style.colors, dark=self.style.dark), 1 - share)

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """The lowest and the highest position of a finite error."""
        heights = [self.height(trial) for trial in self.trials if trial.is_finite]
        return min(heights), max(heights)

    def of_stage(self, behind: int) -> list[Trial]:
        """The trials with a finite error that stayed so many stages behind, without the best."""
        return [
            trial for trial in self.trials if trial.is_finite and trial.behind == behind and not trial.is_best
        ]

    @property
    def without_error(self) -> list[Trial]:
        """The trials that failed."""
        return [trial for trial in self.trials if not trial.is_finite]

    @property
    def best(self) -> Trial | None:
        """The best trial."""
        return next((trial for trial in self.trials if trial.is_best), None)

    def stage_name(self, behind: int) -> str:
        """A stage and its number of trials, for the legend."""
        epochs = self.stage_epochs[len(self.stage_epochs) - 1 - behind]
        count = sum(trial.is_finite and trial.behind == behind for trial in self.trials)
        return f"{epochs:,} epoch{'' if epochs == 1 else 's'} ({count:,})"


def search_picture(result: xr.Dataset, style: FigureStyle) -> SearchPicture:
    """What is drawn of a search."""
    best = best_trial(result)
    axes = tuple(_axis(result, place, best) for place in range(result.sizes["parameter"]))
    epochs = tuple(int(count) for count in result["stage_epochs"].values)
    errors = last_values(result, "validation_error")
    losses = last_values(result, "validation_loss")
    reached = stages_reached(result)
    trials = []
    for place, number in enumerate(result["trial"].values):
        values = result["value"].values[place]
        trials.append(
            Trial(
                number=int(number),
                shares=tuple(axis.share(float(value)) for axis, value in zip(axes, values, strict=True)),
                words=(
                    f"trial {int(number)}: {result['state'].values[place]}",
                    *(f"{axis.name} {float(value):.3g}" for axis, value in zip(axes, values, strict=True)),
                    f"validation error {format_value(float(errors[place]), 'error')}",
                    f"validation loss {format_value(float(losses[place]), 'nll')}",
                    f"after {epochs[max(reached[place] - 1, 0)]:,} epochs"
                    if reached[place]
                    else "no stage reached",
                ),
                behind=len(epochs) - int(max(reached[place], 1)),
                error=float(errors[place]),
                epochs=epochs[reached[place] - 1] if reached[place] else 0,
                is_best=place == best,
            )
        )
    trials.sort(key=lambda trial: (trial.is_best, -trial.behind))
    return SearchPicture(axes, tuple(trials), curve_axis(errors, style, measure="error"), epochs, style)


def _axis(result: xr.Dataset, place: int, best: int | None) -> SettingAxis:
    low, high = float(result["low"].values[place]), float(result["high"].values[place])
    in_log = bool(result["in_log"].values[place])
    end: End | None = None
    if best is not None:
        value = float(result["value"].values[best, place])
        if at_boundary(value, low, high, in_log):
            end = "high" if share_of_range(value, low, high, in_log) > 0.5 else "low"
    name = str(result["parameter"].values[place]).replace("_", " ")
    return SettingAxis(name, low, high, in_log, end)


def _short(value: float) -> str:
    """Three digits, and 1e-6 for 1e-06."""
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
