"""The read-out of a clicked point: which node is nearest, what lies between, how far the checkpoints are."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, Measure, Split


@dataclass(frozen=True)
class Reading:
    """What is known at one place of a plane or a line.

    Attributes:
        x: alpha, or t on a line.
        y: beta; 0 on a line.
        inside: Whether the place lies within the evaluated range.
        node: Place (x, y) of the nearest evaluated grid point; None if nothing has been evaluated.
        at_node: The values there, by measure; +inf where the network diverged.
        interpolated: (Bi)linear between the surrounding grid points, by measure; NaN outside, and wherever one of
            them has not been evaluated or diverged: nothing is invented.
        distances: Weight-space distance to each checkpoint, in the order of the result.
    """

    x: float
    y: float
    inside: bool
    node: tuple[float, float] | None
    at_node: dict[Measure, float]
    interpolated: dict[Measure, float]
    distances: dict[str, float]


def read_point(result: xr.Dataset, x: float, y: float, *, split: Split) -> Reading:
    """Read a result at a place given in the coordinates of its figure."""
    on_line = result.attrs["study"] == "line"
    chosen = result.sel(split=split)
    columns = result["t" if on_line else "alpha"].values
    rows = np.zeros(1) if on_line else result["beta"].values
    y = 0.0 if on_line else y
    values: dict[Measure, np.ndarray] = {
        measure: np.atleast_2d(chosen[measure].values) for measure in MEASURES
    }
    nearest = _nearest(columns, rows, values["nll"], x, y)
    inside = bool(columns[0] <= x <= columns[-1]) and (on_line or bool(rows[0] <= y <= rows[-1]))
    at_node: dict[Measure, float] = {}
    if nearest is not None:
        at_node = {name: float(grid[nearest]) for name, grid in values.items()}
    return Reading(
        x=x,
        y=y,
        inside=inside,
        node=None if nearest is None else (float(columns[nearest[1]]), float(rows[nearest[0]])),
        at_node=at_node,
        interpolated={name: interpolate(columns, rows, grid, x, y) for name, grid in values.items()},
        distances=_distances(result, x, y),
    )


def interpolate(columns: np.ndarray, rows: np.ndarray, grid: np.ndarray, x: float, y: float) -> float:
    """Bilinear interpolation on a rectangular grid; linear where there is one row.

    Args:
        columns: Increasing x of the grid, shape (C,).
        rows: Increasing y of the grid, shape (R,).
        grid: Values, shape (R, C).
        x: Place to read.
        y: Place to read; ignored where there is one row.

    Returns:
        The value; NaN outside the grid or where a surrounding value that counts is not finite.
    """
    column, row = _cell(columns, x), _cell(rows, y)
    if column is None or row is None:
        return math.nan
    (left, to_right), (below, up) = column, row
    corners = grid[np.ix_(_pair(below, len(rows)), _pair(left, len(columns)))]
    weights = np.outer([1 - up, up], [1 - to_right, to_right])
    counts = weights > 0  # a corner with weight 0 may be missing: the place lies on the opposite edge
    return (
        float(np.sum(corners[counts] * weights[counts])) if np.isfinite(corners[counts]).all() else math.nan
    )


def _nearest(
    columns: np.ndarray, rows: np.ndarray, values: np.ndarray, x: float, y: float
) -> tuple[int, int] | None:
    distances = np.hypot(columns[np.newaxis, :] - x, rows[:, np.newaxis] - y)
    distances[np.isnan(values)] = np.inf
    if np.isinf(distances).all():
        return None
    row, column = np.unravel_index(int(np.argmin(distances)), distances.shape)
    return int(row), int(column)


def _cell(axis: np.ndarray, place: float) -> tuple[int, float] | None:
    """Index of the lower neighbour and the fraction of the way to the upper one; None outside."""
    if len(axis) == 1:
        return 0, 0.0
    if not axis[0] <= place <= axis[-1]:
        return None
    lower = min(int(np.searchsorted(axis, place, side="right")) - 1, len(axis) - 2)
    return lower, float((place - axis[lower]) / (axis[lower + 1] - axis[lower]))


def _pair(lower: int, count: int) -> list[int]:
    return [lower, min(lower + 1, count - 1)]


def _distances(result: xr.Dataset, x: float, y: float) -> dict[str, float]:
    labels = [str(label) for label in result["checkpoint"].values]
    if result.attrs["study"] == "line":
        # `distance` is t times the length of the segment, so its span over that of t is the length.
        t, distance = result["t"].values, result["distance"].values
        length = (distance[-1] - distance[0]) / (t[-1] - t[0])
        found = np.abs(result["checkpoint_t"].values - x) * length
    else:
        across = np.hypot(result["checkpoint_alpha"].values - x, result["checkpoint_beta"].values - y)
        found = np.hypot(across, result["off_plane"].values)
    return {label: float(value) for label, value in zip(labels, found, strict=True)}
