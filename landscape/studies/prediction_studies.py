"""Comparisons: studies whose answer comes from the predictions of networks, each of which is asked once."""

# Shapes: N examples · K classes · M networks or ensembles · Q measures of quality

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import log_softmax, logsumexp

from landscape.core.results import QUALITIES
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.predictions import Predictions, Statistics
from landscape.networks.tasks import Task
from landscape.studies.sweeps import Loaded


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """A network whose predictions a study wants.

    Attributes:
        checkpoint: Its weights and buffers.
        task: The network, and the data to predict.
        statistics: Whose batch-norm statistics: the checkpoint's own, or those of the training sample.
    """

    checkpoint: Checkpoint
    task: Task
    statistics: Statistics


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The networks that a study asks, and how their predictions become a result.

    Attributes:
        loaded: What the comparison is made of.
        wanted: The networks; those of the request come first, in its order.
        measure: From the predictions of all of them, in the order of `wanted`, to the result.
    """

    loaded: Loaded
    wanted: tuple[Wanted, ...]
    measure: Callable[[Sequence[Predictions]], xr.Dataset]


def wanted_checkpoints(loaded: Loaded) -> tuple[Wanted, ...]:
    """The checkpoints of the request, under its own batch-norm policy."""
    policy = loaded.request.batch_norm
    assert policy != "interpolate"  # refused by the requests
    return tuple(
        Wanted(checkpoint=checkpoint, task=loaded.task_of(place), statistics=policy)
        for place, checkpoint in enumerate(loaded.checkpoints)
    )


@dataclass(frozen=True, eq=False)
class Outputs:
    """Softmax outputs of one network, or of an ensemble, on one split.

    Attributes:
        probabilities: (N, K) float64, rows sum to 1; NaN throughout a row where the network's outputs overflowed.
        log_true: Logarithm of the probability of the true class, (N,) float64: finite where the probability itself
            is too small for a float; NaN where the outputs overflowed.
    """

    probabilities: np.ndarray
    log_true: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """The most probable class of each example, (N,); -1 where the outputs overflowed."""
        return np.where(self.diverged, -1, self.probabilities.argmax(1))

    @property
    def diverged(self) -> np.ndarray:
        """Where the outputs overflowed, (N,)."""
        return np.isnan(self.log_true)


def softmax_outputs(logits: np.ndarray, targets: np.ndarray) -> Outputs:
    """The outputs that logits (N, K) stand for; targets are the true classes, (N,)."""
    logits = logits.astype(np.float64)
    logits[~np.isfinite(logits).all(1)] = np.nan
    log_p = log_softmax(logits, axis=1)
    return Outputs(np.exp(log_p), log_p[np.arange(len(targets)), targets])


def mean_outputs(members: Sequence[Outputs]) -> Outputs:
    """The ensemble: the mean of softmax outputs, not of logits (Huang et al. 2017, section 3).

    Summed in the order given, so that the same members give the same bits.
    """
    total = np.zeros_like(members[0].probabilities)
    for member in members:
        total += member.probabilities
    log_true = logsumexp(np.stack([member.log_true for member in members]), axis=0) - np.log(len(members))
    return Outputs(total / len(members), log_true)


def qualities(outputs: Iterable[Outputs], targets: np.ndarray, *, bins: int) -> np.ndarray:
    """How good each of M outputs is: (Q, M), rows in the order of `QUALITIES`; smaller is better.

    `error` is the fraction of wrong classes; `nll` the mean of -log p of the true class, in nats; `ece` see
    `calibration_error`; `brier` the mean squared distance of the probabilities from the true class's indicator, in
    [0, 2] (Brier 1950). Where outputs overflow, the class is wrong and all but the error is +inf.

    Args:
        outputs: Of networks or ensembles.
        targets: True classes, (N,).
        bins: Of confidence, for the calibration error.
    """
    found = [_quality(each, targets, bins) for each in outputs]
    return np.array([[each[name] for each in found] for name in QUALITIES])


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """The expected calibration error (Naeini et al. 2015; Guo et al. 2017, equation 3).

    sum over bins of (share of the examples) * |accuracy - mean confidence|. Bins are equally wide; each holds its
    upper edge.

    Args:
        confidence: The largest probability of each example, (N,).
        right: Whether its class is the true one, (N,).
        bins: Their number.

    Returns:
        A fraction, in [0, 1].
    """
    inner_edges = np.linspace(0, 1, bins + 1)[1:-1]
    place = np.searchsorted(inner_edges, confidence, side="left")
    # In each bin: number * (accuracy - confidence), summed without dividing by the number first.
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _quality(outputs: Outputs, targets: np.ndarray, bins: int) -> dict[str, float]:
    wrong = outputs.classes != targets
    if outputs.diverged.any():
        return {**dict.fromkeys(QUALITIES, np.inf), "error": float(wrong.mean())}
    away = outputs.probabilities.copy()
    away[np.arange(len(targets)), targets] -= 1
    return {
        "error": float(wrong.mean()),
        "nll": float(-outputs.log_true.mean()),
        "ece": calibration_error(outputs.probabilities.max(1), ~wrong, bins),
        "brier": float(np.square(away).sum(1).mean()),
    }
