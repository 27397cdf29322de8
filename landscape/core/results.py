"""Results: labelled datasets with axes, units and provenance, checked against one schema per study.

NaN means "not evaluated", +inf means "diverged" (the network's outputs overflowed). Neither is ever filled in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import xarray as xr

from landscape.core.errors import ResultError
from landscape.core.requests import SPLITS

# Shapes: T points on a line · R, C grid rows and columns · S splits (train, test) · N checkpoints
UNITS = {
    "nll": "nat per example",
    "loss": "nat per example, with 1/2 * weight decay * |theta|^2",
    "error": "fraction of examples",
}


class CheckpointRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a result remembers of a checkpoint: enough to name it, find it and compute again."""

    label: str
    digest: str
    architecture: str
    step: int | None = None
    source: str = ""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a result came to be.

    Attributes:
        request: The canonical request, with digests.
        key: Its key.
        command: A command line that repeats the computation; for a task of the user's own, how to do it in Python.
        checkpoints: In the order of the request.
        data: Name of the data set.
        data_digest: Its content digest.
        samples: Number of examples evaluated, by split.
        weight_decay: The factor used in `loss`.
        strategy: What the evaluator chose, in words (layout, batch size, points at once).
        device: Device the numbers were computed on.
        seconds: Seconds of evaluation.
        versions: Versions of landscape, torch, numpy and Python.
        created: ISO 8601 time, UTC.
    """

    request: dict[str, Any]
    key: str
    command: str
    checkpoints: tuple[CheckpointRecord, ...]
    data: str
    data_digest: str
    samples: dict[str, int]
    weight_decay: float
    strategy: str
    device: str
    seconds: float
    versions: dict[str, str]
    created: str


@dataclass(frozen=True)
class Schema:
    """What a study's result must hold.

    Attributes:
        axes: Names of the axes, whose values increase.
        variables: The dimensions of each variable. Coordinates are listed with the variables.
        swept: Whether points are evaluated one after the other, so that NaN in `nll` says "not evaluated yet".
        by_split: Whether there is a dimension `split`.
    """

    axes: tuple[str, ...]
    variables: Mapping[str, tuple[str, ...]]
    swept: bool = True
    by_split: bool = True


_AT_CHECKPOINTS = {
    # own_*: the checkpoint evaluated by itself; rebuilt_*: the same place reached through the study's arithmetic.
    **{f"own_{measure}": ("split", "checkpoint") for measure in UNITS},
    **{f"rebuilt_{measure}": ("split", "checkpoint") for measure in UNITS},
}
# How good predictions are: nll in nats per example; the others are fractions, brier at most 2.
QUALITIES = ("error", "nll", "ece", "brier")
# Which members an ensemble of m has: the last m (Huang et al. 2017), or the first m.
ORDERS = ("last", "first")
# How softmax outputs are correlated; the paper does not say which.
CORRELATIONS = ("per class", "flattened", "per example")

SCHEMAS: dict[str, Schema] = {
    "line": Schema(
        axes=("t",),
        variables={
            **dict.fromkeys(UNITS, ("split", "t")),
            "distance": ("t",),
            "norm": ("t",),
            "checkpoint_t": ("checkpoint",),
            **_AT_CHECKPOINTS,
        },
    ),
    "plane": Schema(
        axes=("beta", "alpha"),
        variables={
            **dict.fromkeys(UNITS, ("split", "beta", "alpha")),
            "norm": ("beta", "alpha"),
            "checkpoint_alpha": ("checkpoint",),
            "checkpoint_beta": ("checkpoint",),
            "off_plane": ("checkpoint",),
            **_AT_CHECKPOINTS,
        },
    ),
    # pair_first, pair_last: places of the checkpoints at t = 0 and t = 1 of each line.
    "fan": Schema(
        axes=("pair", "t"),
        variables={
            **dict.fromkeys(UNITS, ("split", "pair", "t")),
            "norm": ("pair", "t"),
            "length": ("pair",),
            "pair_first": ("pair",),
            "pair_last": ("pair",),
            "checkpoint_group": ("checkpoint",),
            **_AT_CHECKPOINTS,
        },
    ),
    # A size beyond the number of members of a group is NaN. average_*: the network at the mean of the weights, NaN
    # where the members are not of one network. epochs: spent in the training of its network when the
    # checkpoint was kept. training: a number for each training, so that the epochs of several checkpoints of one are
    # counted once.
    "ensemble": Schema(
        axes=("size",),
        variables={
            **dict.fromkeys(QUALITIES, ("split", "order", "group", "size")),
            **{f"member_{quality}": ("split", "checkpoint") for quality in QUALITIES},
            **{f"average_{quality}": ("split", "group") for quality in QUALITIES},
            "epochs": ("checkpoint",),
            "training": ("checkpoint",),
            "checkpoint_group": ("checkpoint",),
        },
        swept=False,
    ),
    "diversity": Schema(
        axes=(),
        variables={
            "correlation": ("split", "variant", "checkpoint", "other"),
            "disagreement": ("split", "checkpoint", "other"),
            **{f"member_{quality}": ("split", "checkpoint") for quality in QUALITIES},
            "checkpoint_group": ("checkpoint",),
        },
        swept=False,
    ),
    # validation_*: NaN where a trial did not reach a stage. state: "complete", "pruned" or "failed". run: the folder of
    # the trial's longest run. Sizes of the ensemble count the best trials.
    "search": Schema(
        axes=("trial", "stage"),
        variables={
            "value": ("trial", "parameter"),
            "validation_error": ("trial", "stage"),
            "validation_loss": ("trial", "stage"),
            "state": ("trial",),
            "run": ("trial",),
            "stage_epochs": ("stage",),
            "low": ("parameter",),
            "high": ("parameter",),
            "in_log": ("parameter",),
            "ensemble_error": ("size",),
        },
        swept=False,
        by_split=False,
    ),
}


def check_result(result: xr.Dataset) -> xr.Dataset:
    """The same dataset, once it is known to follow its study's schema.

    Raises:
        ResultError: A variable, a dimension or the provenance is missing or of another shape.
    """
    study = result.attrs.get("study")
    if study not in SCHEMAS:
        raise ResultError(
            f"The dataset says study={study!r}; expected one of {', '.join(SCHEMAS)}. Open a file that landscape wrote."
        )
    for name, dims in SCHEMAS[study].variables.items():
        if name not in result.variables:
            raise ResultError(f"The {study} result lacks the variable {name!r}; compute it again.")
        if result[name].dims != dims:
            raise ResultError(
                f"The variable {name!r} of the {study} result has dimensions {result[name].dims}; expected {dims}."
            )
    for axis in SCHEMAS[study].axes:
        if not np.all(np.diff(result[axis].values) > 0):
            raise ResultError(f"The axis {axis!r} of the {study} result does not increase; compute it again.")
    if SCHEMAS[study].by_split and tuple(result["split"].values) != SPLITS:
        raise ResultError(
            f"The {study} result has splits {result['split'].values.tolist()}; expected {list(SPLITS)}."
        )
    provenance_of(result)
    return result


def provenance_of(result: xr.Dataset) -> Provenance:
    """How the result came to be, read from its attributes.

    Raises:
        ResultError: The attribute is missing or damaged.
    """
    try:
        return msgspec.json.decode(result.attrs["provenance"], type=Provenance)
    except (KeyError, msgspec.MsgspecError) as error:
        raise ResultError(
            "The result carries no readable provenance; open a file that landscape wrote."
        ) from error


def provenance_attribute(provenance: Provenance) -> str:
    """The form in which provenance travels inside a file."""
    return json.dumps(msgspec.to_builtins(provenance), sort_keys=True)


def is_complete(result: xr.Dataset) -> bool:
    """Whether every point has been evaluated."""
    if not SCHEMAS[result.attrs["study"]].swept:
        return True
    return not bool(np.isnan(result["nll"].values).any())


def self_check(result: xr.Dataset) -> float:
    """Largest relative difference between a checkpoint's own loss and the value rebuilt through the study.

    Under `recalibrate` and `interpolate` only rounding separates the two. Under `stored` the difference at every
    checkpoint but the first is real: it is evaluated with another checkpoint's batch-norm statistics.

    (A fan's lines each have their own first checkpoint, so there it is the last ones of the groups that differ.)

    Returns:
        A dimensionless number of at least 0; +inf where only one of the two diverges; NaN as long as the checkpoints
        have not been evaluated, and for studies that rebuild no point.
    """
    if "own_nll" not in result.variables:
        return float("nan")
    own, rebuilt = result["own_nll"].values, result["rebuilt_nll"].values
    scale = np.maximum(np.abs(np.where(np.isinf(own), rebuilt, own)), 1e-3)
    with np.errstate(invalid="ignore"):  # inf - inf: two that both diverge agree
        return float(np.max(np.where(own == rebuilt, 0.0, np.abs(own - rebuilt) / scale)))
