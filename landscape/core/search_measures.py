"""Numbers read from the result of a search: how far each trial came, which is the best, whether it lies at an end."""

import math

import numpy as np
import xarray as xr

from landscape.core.search_requests import RANGES

# Shapes: T trials · S stages

# A best value this near to an end of its range, as a share of the range, says that the range may be too narrow.
# Ours: chosen without a source.
BOUNDARY_SHARE = 0.05


def stages_reached(result: xr.Dataset) -> np.ndarray:
    """Number of stages in which each trial was evaluated, (T,); 0 for one that failed before its first evaluation."""
    known = ~np.isnan(result["validation_error"].values)
    last_first = known[:, ::-1]
    return np.where(known.any(axis=1), known.shape[1] - np.argmax(last_first, axis=1), 0)


def last_values(result: xr.Dataset, name: str) -> np.ndarray:
    """`validation_error` or `validation_loss` of each trial in the last stage it reached, (T,); NaN without any."""
    reached = stages_reached(result)
    values = result[name].values[np.arange(len(reached)), np.maximum(reached - 1, 0)]
    return np.where(reached > 0, values, np.nan)


def best_trial(result: xr.Dataset) -> int | None:
    """The place of the best trial along the axis `trial`; None as long as none has a finite validation error.

    Of the trials that came furthest, the one with the lowest validation error, and of equal ones that with the lowest
    loss: errors after different numbers of epochs cannot be compared.
    """
    reached, errors = stages_reached(result), last_values(result, "validation_error")
    known = np.isfinite(errors)
    if not known.any():
        return None
    furthest = known & (reached == reached[known].max())
    ranked = np.lexsort((last_values(result, "validation_loss"), np.where(furthest, errors, np.inf)))
    return int(ranked[0])


def share_of_range(value: float, low: float, high: float, in_log: bool) -> float:
    """Where a value lies in its range: 0 at `low`, 1 at `high`, evenly in the logarithm with `in_log`.

    >>> round(share_of_range(0.1, 0.001, 1.0, in_log=True), 12)
    0.666666666667
    """
    if in_log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def at_boundary(value: float, low: float, high: float, in_log: bool) -> bool:
    """Whether a value lies within 5% of an end of the range it was drawn from, in the logarithm with `in_log`.

    >>> at_boundary(0.9, 0.001, 1.0, in_log=True), at_boundary(0.3, 0.001, 1.0, in_log=True)
    (True, False)
    """
    share = share_of_range(value, low, high, in_log)
    # Rounding must not decide about a value exactly at the limit.
    return min(share, 1 - share) <= BOUNDARY_SHARE + 1e-12


def boundary_warnings(result: xr.Dataset) -> list[str]:
    """One sentence for each setting whose best value lies at an end of its range; [] where all lie inside."""
    best = best_trial(result)
    if best is None:
        return []
    return [
        _warning(str(name), float(value), float(low), float(high), in_log=bool(in_log))
        for name, value, low, high, in_log in zip(
            result["parameter"].values,
            result["value"].values[best],
            result["low"].values,
            result["high"].values,
            result["in_log"].values,
            strict=True,
        )
        if at_boundary(float(value), float(low), float(high), bool(in_log))
    ]


def _warning(name: str, value: float, low: float, high: float, *, in_log: bool) -> str:
    upper = share_of_range(value, low, high, in_log) > 0.5
    end = "upper" if upper else "lower"
    words = name.replace("_", " ")
    where = f"The best {words}, {value:.3g}, lies at the {end} end of the searched range {low:g}:{high:g}"
    if not upper and low == 0:
        return f"{where}, below which there is nothing; leave the search of the {words} out, or look closer to 0."
    if upper:
        high = high * 10 if in_log else high + (high - low)
    else:
        low = low / 10 if in_log else max(0.0, low - (high - low))
    return f"{where}; search again in a wider range, such as {_option(name)} {low:g}:{high:g}."


def _option(name: str) -> str:
    plural = next((plural for plural, (field, _) in RANGES.items() if field == name), name)
    return f"--{plural.replace('_', '-')}"
