"""Paths in weight space: maps from t to points, given by control points and their coefficients."""

# Shapes: N values of t · K control points · P parameters

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landscape.core.errors import RequestError


@dataclass(frozen=True, eq=False)
class Segment:
    """The straight line (1 - t) * first + t * second; it goes on beyond both ends.

    Attributes:
        first: The point at t = 0, (P,) float64.
        second: The point at t = 1, (P,) float64.
    """

    first: Tensor
    second: Tensor

    @classmethod
    def between(cls, first: Tensor, second: Tensor) -> "Segment":
        """The segment between two points of one space.

        Raises:
            RequestError: The points are the same, so there is no line.
        """
        if torch.equal(first, second):
            raise RequestError(
                "The two checkpoints have identical weights, so no line passes through them; choose two different ones."
            )
        return cls(first.double(), second.double())

    @property
    def length(self) -> float:
        """Distance between the ends in weight space."""
        return float(torch.linalg.vector_norm(self.second - self.first))

    @staticmethod
    def coefficients(t: np.ndarray) -> np.ndarray:
        """Weights of the two control points at each t, (N, 2); exact at t = 0 and t = 1, each row sums to 1."""
        t = np.asarray(t, dtype=np.float64)
        return np.stack([1 - t, t], axis=-1)
