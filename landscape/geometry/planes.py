"""The plane through three points of weight space."""

# Shapes: N points in the plane · P parameters

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landscape.core.errors import RequestError

# Three float32 vectors that lie on one line by construction miss it by rounding: about 1e-7 of their norms.
COLLINEAR = 1e-6


@dataclass(frozen=True, eq=False)
class Plane:
    """Origin A, and the orthonormal directions u (from A to B) and v (towards C).

    Coordinates (alpha, beta) are lengths in weight space. All geometry is float64.
    Source: Garipov et al. (2018), section 3: u = B - A, v = (C - A) - <C - A, u> u / |u|^2, both normalised.

    Attributes:
        origin: A, (P,).
        u: Unit vector, (P,).
        v: Unit vector perpendicular to u, (P,).
        vertices: Coordinates of A, B and C, (3, 2): (0, 0), (|B - A|, 0), (<C - A, u>, <C - A, v>).
    """

    origin: Tensor
    u: Tensor
    v: Tensor
    vertices: np.ndarray

    @classmethod
    def through(cls, a: Tensor, b: Tensor, c: Tensor) -> "Plane":
        """The plane through three points.

        Raises:
            RequestError: Two points are the same, or all three lie on one line.
        """
        a, b, c = a.double(), b.double(), c.double()
        ab, ac = b - a, c - a
        length = torch.linalg.vector_norm(ab)
        if length == 0 or torch.equal(a, c) or torch.equal(b, c):
            raise RequestError(
                "Two of the three checkpoints have identical weights, so they span no plane; choose three different."
            )
        u = ab / length
        along = torch.dot(ac, u)
        across = ac - along * u
        # A second pass removes what rounding left of u; the first alone is off by about 1e-16 * |ac| / |across|.
        correction = torch.dot(across, u)
        across = across - correction * u
        along = along + correction
        height = torch.linalg.vector_norm(across)
        if height <= COLLINEAR * max(float(length), float(torch.linalg.vector_norm(ac)), float(a.norm())):
            raise RequestError(
                "The three checkpoints lie on one line, so they span no plane; "
                "draw the line through two of them, or choose another third checkpoint."
            )
        vertices = np.array([[0.0, 0.0], [float(length), 0.0], [float(along), float(height)]])
        return cls(a, u, across / height, vertices)

    def point(self, alpha: float, beta: float) -> Tensor:
        """The point at (alpha, beta), (P,) float64."""
        return self.origin + alpha * self.u + beta * self.v

    def project(self, theta: Tensor) -> tuple[float, float, float]:
        """Coordinates of the nearest point of the plane, and the distance lost on the way there."""
        offset = theta.double() - self.origin
        alpha, beta = torch.dot(offset, self.u), torch.dot(offset, self.v)
        lost = torch.linalg.vector_norm(offset - alpha * self.u - beta * self.v)
        return float(alpha), float(beta), float(lost)

    def coefficients(self, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Weights of A, B, C that give the points (alpha, beta): (N, 3), each row sums to 1; exact at the vertices."""
        (_, _), (length, _), (along, height) = self.vertices
        of_c = np.asarray(beta, dtype=np.float64) / height
        of_b = (np.asarray(alpha, dtype=np.float64) - of_c * along) / length
        return np.stack([1 - of_b - of_c, of_b, of_c], axis=-1)
