"""Cells of a grid that have no honest colour: not evaluated (NaN) or diverged (+inf)."""

from dataclasses import dataclass

import numpy as np

# Shapes: R, C grid rows (beta) and columns (alpha); a cell is the rectangle between four neighbouring nodes


@dataclass(frozen=True)
class Hole:
    """A rectangle in the coordinates of the axes."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Holes:
    """Where nothing is drawn, and why.

    Attributes:
        missing: Rectangles of which a corner has not been evaluated.
        diverged: The other rectangles of which a corner has diverged.
        missing_points: Number of nodes not evaluated.
        diverged_points: Number of nodes that diverged.
    """

    missing: tuple[Hole, ...]
    diverged: tuple[Hole, ...]
    missing_points: int
    diverged_points: int


def holes(values: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> Holes:
    """The holes of a grid.

    A contour needs all four corners of a cell: interpolating towards a corner without a number would invent one.

    Args:
        values: (R, C), NaN and +inf allowed.
        alpha: (C,) ascending.
        beta: (R,) ascending.
    """
    missing, diverged = np.isnan(values), np.isinf(values)
    missing_cells = _any_corner(missing)
    diverged_cells = _any_corner(diverged) & ~missing_cells
    return Holes(
        _rectangles(missing_cells, alpha, beta),
        _rectangles(diverged_cells, alpha, beta),
        int(missing.sum()),
        int(diverged.sum()),
    )


def _any_corner(nodes: np.ndarray) -> np.ndarray:
    return nodes[:-1, :-1] | nodes[:-1, 1:] | nodes[1:, :-1] | nodes[1:, 1:]


def _rectangles(cells: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> tuple[Hole, ...]:
    """One rectangle per run of neighbouring cells in a row: fewer shapes, the same area."""
    found = []
    for row, line in enumerate(cells):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
        for first, last in edges.reshape(-1, 2):
            found.append(
                Hole(float(alpha[first]), float(alpha[last]), float(beta[row]), float(beta[row + 1]))
            )
    return tuple(found)
