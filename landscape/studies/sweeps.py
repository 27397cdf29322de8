"""Sweeps: sets of points that are affine combinations of a few checkpoints. Lines, planes and fans are sweeps."""

# Shapes: K checkpoints · N points of the grid · P parameters · S splits (train, test) · M measures (nll, error)

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from landscape.core.requests import SPLITS, EvaluationRequest, GroupedRequest
from landscape.geometry.grids import split_into_chunks
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import Points
from landscape.networks.tasks import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A request with everything that it names: what a study works on.

    Attributes:
        request: The canonical request.
        checkpoints: In the order of the request.
        labels: A different short name for each.
        task: Network, loss and the sample of the data that the request asks for.
        weight_decay: The factor of the penalty in `loss`.
        tasks: The task of each checkpoint, where they may be of different networks; empty if `task` is that of all.
    """

    request: EvaluationRequest
    checkpoints: tuple[Checkpoint, ...]
    labels: tuple[str, ...]
    task: Task
    weight_decay: float
    tasks: tuple[Task, ...] = ()

    def task_of(self, place: int) -> Task:
        """The task of the checkpoint at this place of the request."""
        return self.tasks[place] if self.tasks else self.task

    @property
    def group_names(self) -> np.ndarray:
        """Name of the group of each checkpoint, (K,); "" where the request knows no groups, or names none."""
        names = self.request.groups if isinstance(self.request, GroupedRequest) else ()
        return np.array(names or ("",) * len(self.checkpoints), dtype=object)


# Variables of the grid and at the checkpoints, by name: (dimensions, values).
Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """The points of a line, a plane or a fan, in the order of their evaluation, and how values become a result.

    Points are numbered: first the K checkpoints themselves (`own`), then the same places rebuilt through the
    study's arithmetic (`rebuilt`), then the N points of the grid. The first two make the self-check.

    Attributes:
        loaded: What the sweep is made of.
        rebuilt: Coefficients that the study's coordinates of each checkpoint give, (K, K).
        grid: Coefficients of the grid points, (N, K); each row sums to 1.
        shape: Shape of the grid.
        axes: Names of its axes.
        groups: Indices of grid points, coarsest group first.
        coordinates: Axis values and whatever else the study knows of its grid and its checkpoints.
        owners: The checkpoint whose buffers each rebuilt point and each point of the grid has where buffers are not
            mixed, (K + N,); None for the first one throughout.
    """

    loaded: Loaded
    rebuilt: np.ndarray
    grid: np.ndarray
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    groups: list[np.ndarray]
    coordinates: Variables
    owners: np.ndarray | None = None

    @cached_property
    def coefficients(self) -> np.ndarray:
        """Coefficients of every point, (2K + N, K)."""
        return np.concatenate([np.eye(len(self.rebuilt)), self.rebuilt, self.grid])

    @cached_property
    def anchors(self) -> Tensor:
        """Parameters of the checkpoints, (K, P) float64."""
        return torch.stack([checkpoint.theta.double() for checkpoint in self.loaded.checkpoints])

    def chunks(self, size: int) -> list[np.ndarray]:
        """Indices of points, cut for evaluation: the self-check first, then the grid from coarse to fine."""
        checks = 2 * len(self.rebuilt)
        return split_into_chunks([np.arange(checks), *(group + checks for group in self.groups)], size)

    def points(self, index: np.ndarray) -> Points:
        """Parameters and buffers of the points with these indices."""
        coefficients = torch.from_numpy(self.coefficients[index])
        theta = _mix(coefficients, self.anchors)
        return Points(theta.float(), self._buffers(index, coefficients))

    def _buffers(self, index: np.ndarray, coefficients: Tensor) -> Mapping[str, Tensor]:
        mixes = self.loaded.request.batch_norm == "interpolate"
        owner = torch.from_numpy(self._owners[index])
        buffers = {}
        for name in self.loaded.checkpoints[0].buffers:
            stacked = torch.stack([checkpoint.buffers[name] for checkpoint in self.loaded.checkpoints])
            if mixes and stacked.is_floating_point():
                flat = stacked.double().flatten(1)
                buffers[name] = _mix(coefficients, flat).reshape(-1, *stacked.shape[1:]).to(stacked.dtype)
            else:
                buffers[name] = stacked[owner]
        return buffers

    def to_dataset(self, values: np.ndarray) -> xr.Dataset:
        """The result from values (2K + N, S, M); NaN where a point has not been evaluated."""
        count = len(self.rebuilt)
        penalty = 0.5 * self.loaded.weight_decay * self._squared_norms
        measures = {
            "nll": values[..., 0],
            "loss": values[..., 0] + penalty[:, None],
            "error": values[..., 1],
        }
        variables: Variables = dict(self.coordinates)
        for name, array in measures.items():
            by_split = array.T  # (S, 2K + N)
            variables[f"own_{name}"] = (("split", "checkpoint"), by_split[:, :count])
            variables[f"rebuilt_{name}"] = (("split", "checkpoint"), by_split[:, count : 2 * count])
            grid = by_split[:, 2 * count :].reshape(len(SPLITS), *self.shape)
            variables[name] = (("split", *self.axes), grid)
        variables["norm"] = (self.axes, np.sqrt(self._squared_norms[2 * count :]).reshape(self.shape))
        coordinates = {
            "split": np.array(SPLITS, dtype=object),
            "checkpoint": np.array(self.loaded.labels, dtype=object),
        }
        axes = {name: variables.pop(name) for name in self.axes}
        return xr.Dataset(variables, coords={**coordinates, **axes})

    @cached_property
    def _owners(self) -> np.ndarray:
        count = len(self.rebuilt)
        borrowed = (
            self.owners if self.owners is not None else np.zeros(count + len(self.grid), dtype=np.int64)
        )
        # A checkpoint evaluated by itself keeps its own buffers.
        return np.concatenate([np.arange(count), borrowed])

    @cached_property
    def _squared_norms(self) -> np.ndarray:
        gram = (self.anchors @ self.anchors.T).numpy()
        return np.einsum("nk,kl,nl->n", self.coefficients, gram, self.coefficients)


def _mix(coefficients: Tensor, anchors: Tensor) -> Tensor:
    # One multiplication per anchor rather than a matrix product: with coefficients 0 and 1 the sum is exact, and
    # the bits of a point do not depend on the points beside it. Of many anchors most have no part in a point.
    total = torch.zeros(len(coefficients), anchors.shape[1], dtype=anchors.dtype)
    for k, anchor in enumerate(anchors):
        rows = coefficients[:, k].nonzero()[:, 0]
        if len(rows) == len(coefficients):
            total += coefficients[:, k : k + 1] * anchor
        elif len(rows):
            total[rows] += coefficients[rows, k : k + 1] * anchor
    return total
