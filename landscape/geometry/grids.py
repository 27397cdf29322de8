"""Grids over lines and planes, and the order in which they are filled."""

# Shapes: R rows · C columns · L levels

from itertools import pairwise

import numpy as np

# The coarsest level has about this many points along an axis, so that a first picture appears at once.
FIRST_LEVEL = 5


def axis(low: float, high: float, count: int, margin: float = 0.0) -> np.ndarray:
    """`count` equally spaced values from `low` to `high`, widened on both sides by `margin * (high - low)`."""
    room = margin * (high - low)
    return np.linspace(low - room, high + room, count)


def levels(count: int) -> np.ndarray:
    """The level of each index of an axis: 0 for the coarsest, rising as the axis is refined.

    Level 0 holds every 2^k-th index, with k as large as leaves about five of them; each further level halves the
    stride. The last index belongs to level 0, so that every level covers the whole axis.

    Returns:
        Integers, (count,).

    >>> levels(9).tolist()
    [0, 1, 0, 1, 0, 1, 0, 1, 0]
    """
    exponent = max(0, int(np.floor(np.log2(max(count - 1, 1) / (FIRST_LEVEL - 1)))))
    result = np.zeros(count, dtype=np.int64)
    for index in range(count - 1):
        trailing = exponent if index == 0 else min(exponent, (index & -index).bit_length() - 1)
        result[index] = exponent - trailing
    return result


def coarse_to_fine(*counts: int) -> list[np.ndarray]:
    """Flat indices (row-major) of a grid, grouped by level, coarsest first; together each index exactly once."""
    grid_level = levels(counts[0])
    for count in counts[1:]:
        grid_level = np.maximum.outer(grid_level, levels(count))
    flat = grid_level.reshape(-1)
    return [np.flatnonzero(flat == level) for level in range(int(flat.max()) + 1)]


def split_into_chunks(groups: list[np.ndarray], size: int) -> list[np.ndarray]:
    """Cut each group into pieces of at most `size`; the order is kept and no piece spans two groups."""
    chunks = []
    for group in groups:
        edges = [*range(0, len(group), size), len(group)]
        chunks.extend(group[low:high] for low, high in pairwise(edges))
    return chunks
