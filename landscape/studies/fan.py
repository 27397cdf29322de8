"""The loss along the lines from every earlier checkpoint of a group to its last (Huang et al. 2017, figure 5)."""

# Shapes: K checkpoints · Q pairs · T values of t on each line

import numpy as np
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import FanRequest
from landscape.geometry.grids import axis, coarse_to_fine
from landscape.geometry.paths import Segment
from landscape.studies.sweeps import Loaded, Sweep


def fan(loaded: Loaded) -> Sweep:
    """The sweep of a fan: a row of points for each pair, t = 0 at the earlier checkpoint and t = 1 at the last.

    Every line is the one that a `LineRequest` for (earlier, last) gives. So under `stored` all points of a line have
    the batch-norm statistics of its earlier checkpoint; under `interpolate` they move with the weights. The paper does
    not say what it did; `recalibrate`, the default, does not depend on the choice. The last checkpoint of a group
    stands on all of its lines; it is rebuilt on the first of them.

    Raises:
        RequestError: The checkpoints of a pair are identical.
    """
    request = loaded.request
    assert isinstance(request, FanRequest)  # the table of studies maps each request type to its own study
    pairs = np.array([(k, group[-1]) for group in request.members.values() for k in group[:-1]])
    lengths = np.array([_segment(loaded, *pair).length for pair in pairs])
    t = axis(request.start, request.stop, request.points)
    count = len(loaded.checkpoints)
    grid = np.zeros((len(pairs), len(t), count))
    for on_line, pair in zip(grid, pairs, strict=True):
        on_line[:, pair] = Segment.coefficients(t)
    rebuilt, owners = np.zeros((count, count)), np.zeros(count, dtype=np.int64)
    for pair in pairs[::-1]:  # the first line of a group comes last, and keeps the group's last checkpoint
        rebuilt[np.ix_(pair, pair)] = Segment.coefficients(np.array([0.0, 1.0]))
        owners[pair] = pair[0]
    return Sweep(
        loaded=loaded,
        rebuilt=rebuilt,
        grid=grid.reshape(-1, count),
        shape=(len(pairs), len(t)),
        axes=("pair", "t"),
        groups=[
            (np.arange(len(pairs))[:, None] * len(t) + level).reshape(-1) for level in coarse_to_fine(len(t))
        ],
        coordinates={
            "pair": (("pair",), np.arange(len(pairs))),
            "t": (("t",), t),
            "length": (("pair",), lengths),
            "pair_first": (("pair",), pairs[:, 0]),
            "pair_last": (("pair",), pairs[:, 1]),
            "checkpoint_group": (("checkpoint",), loaded.group_names),
        },
        owners=np.concatenate([owners, np.repeat(pairs[:, 0], len(t))]),
    )


def _segment(loaded: Loaded, first: int, last: int) -> Segment:
    ends = loaded.checkpoints[first].theta, loaded.checkpoints[last].theta
    if torch.equal(*ends):
        raise RequestError(
            f"The checkpoints {loaded.labels[first]!r} and {loaded.labels[last]!r} have identical weights, so no line "
            "passes through them; leave one of the two out."
        )
    return Segment.between(*ends)
