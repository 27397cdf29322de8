"""Numbers read from a finished result: pure functions, the same for captions, reports and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.requests import Measure, Split

# Shapes: T points on a line


@dataclass(frozen=True)
class Barrier:
    """How far a path rises above the straight line between its ends' values, and where.

    Attributes:
        height: In the unit of the measure, at least 0; +inf where the path diverges; NaN if nothing is known.
        t: The place of the maximum, in [0, 1].
    """

    height: float
    t: float


def barrier(t: np.ndarray, values: np.ndarray, *, ends: tuple[float, float]) -> Barrier:
    """The largest rise above the linear interpolation of the end values.

    max over t in [0, 1] of L(t) - [(1 - t) L(0) + t L(1)] (Entezari et al. 2022). Points outside [0, 1] and points not
    evaluated (NaN) are left out, so a grid gives a lower bound. The ends themselves count: the height is at least 0.

    Args:
        t: Positions, (T,), ascending.
        values: The measure at each, (T,).
        ends: The measure at t = 0 and at t = 1, which need not be on the grid.

    >>> barrier(np.array([0.0, 0.5, 1.0]), np.array([1.0, 4.0, 3.0]), ends=(1.0, 3.0))
    Barrier(height=2.0, t=0.5)
    """
    first, last = ends
    if not (np.isfinite(first) and np.isfinite(last)):
        return Barrier(float("nan"), float("nan"))
    inside = (t > 0) & (t < 1) & ~np.isnan(values)
    places = np.concatenate([[0.0], t[inside]])
    rises = np.concatenate([[0.0], values[inside] - ((1 - t[inside]) * first + t[inside] * last)])
    highest = int(np.argmax(rises))
    return Barrier(float(rises[highest]), float(places[highest]))


def line_barrier(result: xr.Dataset, *, measure: Measure, split: Split) -> Barrier:
    """The barrier of a line result; the ends are the checkpoints' values on the line (`rebuilt_*`)."""
    rebuilt = result[f"rebuilt_{measure}"].sel(split=split).values
    values = result[measure].sel(split=split).values
    return barrier(result["t"].values, values, ends=(float(rebuilt[0]), float(rebuilt[-1])))


def epochs_spent(result: xr.Dataset, places: Sequence[int]) -> float:
    """What some checkpoints of an ensemble result cost together in epochs of training; NaN where that is not known.

    Of each training the longest counts, once: its earlier checkpoints were passed on the way.
    """
    at = list(places)
    epochs, training = result["epochs"].values[at], result["training"].values[at]
    return float(sum(np.max(epochs[training == one]) for one in np.unique(training)))
