"""The loss over the plane through three checkpoints (Garipov et al. 2018, figure 1; Izmailov et al. 2018, figure 1)."""

import numpy as np

from landscape.core.requests import PlaneRequest
from landscape.geometry.grids import axis, coarse_to_fine
from landscape.geometry.planes import Plane
from landscape.studies.sweeps import Loaded, Sweep


def plane(loaded: Loaded) -> Sweep:
    """The sweep of a plane: rows are beta, columns are alpha, both lengths in weight space.

    Raises:
        RequestError: The checkpoints are identical or lie on one line.
    """
    request = loaded.request
    assert isinstance(request, PlaneRequest)  # the table of studies maps each request type to its own study
    through = Plane.through(*(checkpoint.theta for checkpoint in loaded.checkpoints))
    vertices = through.vertices
    alpha = axis(vertices[:, 0].min(), vertices[:, 0].max(), request.columns, request.margin)
    beta = axis(vertices[:, 1].min(), vertices[:, 1].max(), request.rows, request.margin)
    beta_grid, alpha_grid = np.meshgrid(beta, alpha, indexing="ij")
    lost = np.array([through.project(checkpoint.theta)[2] for checkpoint in loaded.checkpoints])
    return Sweep(
        loaded=loaded,
        rebuilt=through.coefficients(vertices[:, 0], vertices[:, 1]),
        grid=through.coefficients(alpha_grid.reshape(-1), beta_grid.reshape(-1)),
        shape=alpha_grid.shape,
        axes=("beta", "alpha"),
        groups=coarse_to_fine(len(beta), len(alpha)),
        coordinates={
            "alpha": (("alpha",), alpha),
            "beta": (("beta",), beta),
            "checkpoint_alpha": (("checkpoint",), vertices[:, 0]),
            "checkpoint_beta": (("checkpoint",), vertices[:, 1]),
            "off_plane": (("checkpoint",), lost),
        },
    )
