"""The vertical axis of curves."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.figures.scales import axis_kind, linear_ticks, log_ticks
from landscape.figures.style import FigureStyle
from landscape.figures.theme import Quantity, format_round

HEADROOM = 0.28  # of the height, free for the words in the corner; ours: chosen by eye
MARGIN = 0.06  # of the height, above curves without words


@dataclass(frozen=True)
class ProfileAxis:
    """Positions are values, or their decimal logarithms.

    Attributes:
        log: Whether positions are logarithms.
        measure: Which measure it is.
        low: Lowest value on the axis.
        high: Highest value on the axis, before the headroom.
        headroom: Room above, as a fraction of the height below.
    """

    log: bool
    measure: Quantity
    low: float
    high: float
    headroom: float = HEADROOM

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
        return bottom, high + self.headroom * span

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks."""
        values = log_ticks(self.low, self.high) if self.log else linear_ticks(self.low, self.high)
        places = np.log10(values) if self.log else values
        return [
            (float(place), format_round(value, self.measure))
            for place, value in zip(places, values, strict=True)
        ]


def profile_axis(drawn: xr.Dataset, style: FigureStyle) -> ProfileAxis:
    """The axis that holds both splits and the checkpoints; a linear one begins at 0."""
    curves = drawn[style.measure].values
    marks = [drawn[f"{source}_{style.measure}"].values for source in ("rebuilt", "own")]
    values = np.concatenate([part.reshape(-1) for part in (curves, *marks)])
    return curve_axis(values, style, measure=style.measure, headroom=HEADROOM)


def curve_axis(
    values: np.ndarray,
    style: FigureStyle,
    *,
    measure: Quantity,
    headroom: float = MARGIN,
    from_zero: bool = True,
) -> ProfileAxis:
    """The axis that holds values of any shape; NaN and +inf are left out.

    Args:
        values: What is drawn.
        style: Gives scale, clip and floor.
        measure: What the values are.
        headroom: Room above them, as a fraction of the height.
        from_zero: Whether a linear axis begins at 0; else at the lowest value.
    """
    log = axis_kind(style, study="line") == "log"
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    low = float(values.min()) if len(values) else 0.1
    high = float(values.max()) if len(values) else 1.0
    low = 0.0 if from_zero and not log else low
    low = low if style.floor is None else style.floor
    high = high if style.clip is None else min(high, style.clip)
    if high <= low:
        high = low + max(low, 1.0) if from_zero or low == 0 else 1.1 * low
    return ProfileAxis(log, measure, low, high, headroom)
