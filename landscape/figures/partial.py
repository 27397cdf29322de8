"""What can honestly be drawn of a result that is still being computed.

Grids are filled coarse to fine: every 8th row and column first, then every 4th, 2nd and 1st, the last index always
with them. A contour through nodes that are missing would invent values, so the finest complete sub-grid is drawn.
"""

from itertools import product

import numpy as np
import xarray as xr

from landscape.core.results import SCHEMAS

# With fewer missing points than this fraction the full grid is drawn and the holes are hatched.
# Ours: chosen without a source.
PATCHY = 0.05


def stride_indices(count: int, stride: int) -> list[int]:
    """Every `stride`-th index of `count`, and the last.

    >>> stride_indices(7, 4)
    [0, 4, 6]
    """
    indices = list(range(0, count, stride))
    return indices if indices[-1] == count - 1 else [*indices, count - 1]


def complete_subgrid(result: xr.Dataset) -> xr.Dataset:
    """The finest rectangular sub-grid on which every point has been evaluated, with its own coordinates.

    Rows and columns may have different strides (powers of two). Where not even the corners are complete, the result
    itself comes back, holes and all. Works for planes (beta, alpha) and lines (t).
    """
    axes = SCHEMAS[result.attrs["study"]].axes
    missing = np.asarray(np.isnan(result["nll"].values).any(axis=0))
    choices = [[stride_indices(count, stride) for stride in _strides(count)] for count in missing.shape]
    complete = [indices for indices in product(*choices) if not missing[np.ix_(*indices)].any()]
    if not complete:
        return result
    # max keeps the first of equals, and the first has the finest rows
    finest = max(complete, key=lambda indices: np.prod([len(axis) for axis in indices]))
    return result.isel(dict(zip(axes, finest, strict=True)))


def drawn_part(result: xr.Dataset) -> xr.Dataset:
    """What a figure draws: everything once (almost) all points are there, else the finest complete sub-grid."""
    missing = np.isnan(result["nll"].values).any(axis=0)
    return result if missing.mean() <= PATCHY else complete_subgrid(result)


def _strides(count: int) -> list[int]:
    return [2**power for power in range(max(count - 1, 1).bit_length() + 1)]
