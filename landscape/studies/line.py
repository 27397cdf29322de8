"""The loss along the straight line through two checkpoints (Huang et al. 2017, figure 5)."""

import numpy as np

from landscape.core.requests import LineRequest
from landscape.geometry.grids import axis, coarse_to_fine
from landscape.geometry.paths import Segment
from landscape.studies.sweeps import Loaded, Sweep


def line(loaded: Loaded) -> Sweep:
    """The sweep of a line: t from `start` to `stop`, t = 0 at the first checkpoint and t = 1 at the second.

    Raises:
        RequestError: The checkpoints are identical.
    """
    request = loaded.request
    assert isinstance(request, LineRequest)  # the table of studies maps each request type to its own study
    first, second = (checkpoint.theta for checkpoint in loaded.checkpoints)
    segment = Segment.between(first, second)
    t = axis(request.start, request.stop, request.points)
    ends = np.array([0.0, 1.0])
    return Sweep(
        loaded=loaded,
        rebuilt=segment.coefficients(ends),
        grid=segment.coefficients(t),
        shape=t.shape,
        axes=("t",),
        groups=coarse_to_fine(len(t)),
        coordinates={
            "t": (("t",), t),
            "distance": (("t",), t * segment.length),
            "checkpoint_t": (("checkpoint",), ends),
        },
    )
