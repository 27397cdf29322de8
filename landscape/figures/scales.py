"""From values to positions on a colour or height axis: logarithmic, linear, or the published levels.

A position is what a contour, a surface or a colour bar is drawn in; levels are uniform in it and ticks print values.
"""

import math
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from landscape.core.requests import Measure
from landscape.figures.style import FigureStyle
from landscape.figures.theme import format_tick

Kind = Literal["log", "linear", "published"]

MOST_LEVELS = 18  # ours: more bands than this can no longer be told apart on a printed colour bar

# Garipov et al. (2018), released code, plane_plot: number of levels, log_alpha and vmax by measure.
# Its errors are in percent; they are kept as fractions here, so log_alpha moves by log(1/100).
PUBLISHED_LEVELS = 7
PUBLISHED_LOG_ALPHA: dict[Measure, float] = {"nll": -5.0, "loss": -5.0, "error": -1.0 - math.log(100)}
PUBLISHED_CLIP: dict[Measure, float] = {"nll": 5.0, "loss": 5.0, "error": 0.40}
# Leading digits of the ticks on a logarithmic axis of more than so many decades.
_LOG_FACTORS = ((6, (1,)), (3, (1, 3)), (1.2, (1, 2, 5)), (0, (1, 1.5, 2, 3, 4, 5, 7)))

PUBLISHED_TOP = 0.9  # the highest level sits at this fraction of the colour scale; the open bin is above


@dataclass(frozen=True)
class ValueAxis:
    """The axis of the drawn measure.

    Attributes:
        kind: How values become positions.
        measure: Which measure it is.
        low: Lowest value of the axis; on a logarithmic axis everything below, zero included, is drawn here.
        high: Highest value; everything above is in the open top bin.
        above: Number of finite values above `high`.
        start: Position of the first contour level.
        size: Distance of two levels.
        count: Number of levels, at least 1.
    """

    kind: Kind
    measure: Measure
    low: float
    high: float
    above: int
    start: float
    size: float
    count: int

    @property
    def levels(self) -> np.ndarray:
        """Positions of the contour levels, ascending; the last is `high` where values lie above it."""
        return self.start + self.size * np.arange(self.count)

    @property
    def limits(self) -> tuple[float, float]:
        """Positions at which the colour scale begins and ends."""
        if self.kind == "published":
            return 0.0, PUBLISHED_LEVELS / PUBLISHED_TOP
        # The open bin needs a colour of its own.
        top = self.position(self.high) + (self.size if self.above else 0)
        return float(self.position(self.low)), float(top)

    def position(self, values: np.ndarray | float) -> np.ndarray:
        """Positions of values, of any shape; NaN stays NaN and +inf stays +inf."""
        values = np.asarray(values, dtype=np.float64)
        match self.kind:
            case "log":
                return np.log10(np.maximum(values, self.low))
            case "linear":
                return np.maximum(values, self.low)
            case "published":
                log_alpha = PUBLISHED_LOG_ALPHA[self.measure]
                logs = np.log(np.maximum(values - self.low, math.exp(log_alpha)))
                return (logs - log_alpha) / _log_gamma(self.low, self.high, log_alpha)
            case _:
                assert_never(self.kind)

    def capped(self, values: np.ndarray | float) -> np.ndarray:
        """Positions of values with everything above `high` at the top; NaN stays NaN, +inf becomes NaN.

        For heights: a surface may not leave its box, and a diverged point has no height.
        """
        values = np.asarray(values, dtype=np.float64)
        return self.position(np.where(np.isfinite(values), np.minimum(values, self.high), np.nan))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks, in the unit of the measure."""
        values = _tick_values(self)
        ticks = [(float(self.position(value)), format_tick(value, self.measure)) for value in values]
        if not self.above:
            return ticks
        clear = float(self.position(self.high)) - 0.04 * (self.limits[1] - self.limits[0])
        below = [tick for tick in ticks if tick[0] < clear]
        return [*below, (float(self.position(self.high)), f"> {format_tick(self.high, self.measure)}")]


def value_axis(values: np.ndarray, style: FigureStyle) -> ValueAxis:
    """The axis for the values of a plane.

    Args:
        values: The drawn measure, any shape; NaN and +inf allowed.
        style: Gives measure, scale, clip and floor.
    """
    kind = axis_kind(style, study="plane")
    clip = style.clip if style.clip is not None or kind != "published" else PUBLISHED_CLIP[style.measure]
    finite = values[np.isfinite(values)]
    low, high = _range(finite, kind, clip, style.floor)
    above = int((finite > high).sum())
    if kind == "published":
        return ValueAxis(kind, style.measure, low, high, above, 1.0, 1.0, PUBLISHED_LEVELS)
    bottom, top = (math.log10(low), math.log10(high)) if kind == "log" else (low, high)
    # Whole fractions of a decade make every power of ten a level.
    size = 1 / max(1, int(MOST_LEVELS / (top - bottom))) if kind == "log" else _step(top - bottom)
    # With an open top bin the levels hang from the clip, so that its outline is a level; else they are round numbers.
    anchor = top if above else math.floor(top / size) * size
    count = max(1, math.ceil((anchor - bottom) / size - 1e-9))
    return ValueAxis(kind, style.measure, low, high, above, anchor - (count - 1) * size, size, count)


def axis_kind(style: FigureStyle, *, study: str) -> Kind:
    """How the measure is drawn, once `auto` is settled."""
    if style.colors == "published" and study == "plane":
        return "published"
    if style.scale == "auto":
        return "log" if study == "plane" and style.measure != "error" else "linear"
    return style.scale


def _range(finite: np.ndarray, kind: Kind, clip: float | None, floor: float | None) -> tuple[float, float]:
    if kind == "log":
        positive = finite[finite > 0]
        # Exact zeros have no logarithm: they are drawn half below the smallest positive value.
        zero_room = 0.5 if len(positive) < len(finite) else 1.0
        finite = np.append(positive, zero_room * positive.min()) if len(positive) else positive
    low = float(finite.min()) if len(finite) else (0.1 if clip is None else clip / 10)
    high = float(finite.max()) if len(finite) else 10 * low
    low = low if floor is None else floor
    high = high if clip is None else (clip if floor is not None else min(high, clip))
    if high > low:
        return low, high
    # A constant, or a clip below everything: keep an axis with some room.
    return (low / 2, low * 2) if kind == "log" else (low, low + max(abs(low), 1.0) * 0.1)


def _step(span: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that needs no more than MOST_LEVELS steps."""
    rough = span / MOST_LEVELS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _log_gamma(low: float, high: float, log_alpha: float) -> float:
    # A nearly constant plane has no room for logarithmic levels; one e-fold is kept.
    return max(math.log(high - low) - log_alpha, 1.0) / PUBLISHED_LEVELS


def _tick_values(axis: ValueAxis) -> list[float]:
    match axis.kind:
        case "log":
            return log_ticks(axis.low, axis.high)
        case "linear":
            return linear_ticks(axis.low, axis.high)
        case "published":
            log_alpha = PUBLISHED_LOG_ALPHA[axis.measure]
            gamma = _log_gamma(axis.low, axis.high, log_alpha)
            return [axis.low, *(axis.low + np.exp(log_alpha + gamma * np.arange(1, PUBLISHED_LEVELS + 1)))]
        case _:
            assert_never(axis.kind)


def linear_ticks(low: float, high: float) -> list[float]:
    """About five round values between two others."""
    step = _step((high - low) * MOST_LEVELS / 6)
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between two positive ones, spread evenly over their logarithms."""
    decades = math.log10(high / low)
    if decades < 0.5:
        return linear_ticks(low, high)
    factors = next(factors for least, factors in _LOG_FACTORS if decades > least)
    every = max(1, math.ceil(decades / 8))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
