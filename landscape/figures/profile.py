"""The vertical axis of a line figure."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.requests import Measure
from landscape.figures.scales import axis_kind, linear_ticks, log_ticks
from landscape.figures.style import FigureStyle
from landscape.figures.theme import format_tick

HEADROOM = 0.28  # of the height, free for the words in the corner; ours: chosen by eye


@dataclass(frozen=True)
class ProfileAxis:
    """Positions are values, or their decimal logarithms.

    Attributes:
        log: Whether positions are logarithms.
        measure: Which measure it is.
        low: Lowest value on the axis.
        high: Highest value on the axis, before the headroom.
    """

    log: bool
    measure: Measure
    low: float
    high: float

    def position(self, values: np.ndarray | float) -> np.ndarray:
        """Positions; NaN and +inf become NaN, which breaks the curve."""
        values = np.where(np.isfinite(values), values, np.nan)
        return np.log10(np.maximum(values, self.low)) if self.log else values

    @property
    def limits(self) -> tuple[float, float]:
        """Positions at which the axis begins and ends."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)
        span = high - low
        bottom = low - 0.04 * span if self.log or low > 0 else low - 0.02 * span
        return bottom, high + HEADROOM * span

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks."""
        values = log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high)
        places = np.log10(values) if self.log else values
        return [
            (float(place), format_tick(value, self.measure))
            for place, value in zip(places, values, strict=True)
        ]


def profile_axis(drawn: xr.Dataset, style: FigureStyle) -> ProfileAxis:
    """The axis that holds both splits and the checkpoints; a linear one begins at 0."""
    log = axis_kind(style, study="line") == "log"
    curves = drawn[style.measure].values
    marks = [drawn[f"{source}_{style.measure}"].values for source in ("rebuilt", "own")]
    values = np.concatenate([part.reshape(-1) for part in (curves, *marks)])
    values = values[np.isfinite(values) & (values > 0)]
    low = float(values.min()) if len(values) else 0.1
    high = float(values.max()) if len(values) else 1.0
    low = style.floor if style.floor is not None else (low if log else 0.0)
    high = min(high, style.clip) if style.clip is not None else high
    return ProfileAxis(log, style.measure, low, high if high > low else low + max(low, 1.0))
