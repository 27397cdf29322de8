"""Do networks make different mistakes? Correlation of softmax outputs (Huang et al. 2017, figure 6), disagreement."""

# Shapes: M networks · N examples · K classes · B examples of one block · R rows of one block

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import xarray as xr

from landscape.core.requests import SPLITS, DiversityRequest
from landscape.core.results import CORRELATIONS, QUALITIES
from landscape.networks.predictions import Predictions
from landscape.studies.prediction_studies import (
    Comparison,
    Outputs,
    qualities,
    softmax_outputs,
    wanted_checkpoints,
)
from landscape.studies.sweeps import Loaded, Variables

BINS = 15  # as in `EnsembleRequest`
BLOCK_EXAMPLES = 1024  # ours: some megabytes at a time


def diversity(loaded: Loaded) -> Comparison:
    """Prediction correlation and disagreement of every pair of checkpoints, on both splits."""
    assert isinstance(
        loaded.request, DiversityRequest
    )  # the table of studies maps each request type to its own study

    def measure(predictions: Sequence[Predictions]) -> xr.Dataset:
        return _measure(loaded, predictions)

    return Comparison(loaded=loaded, wanted=wanted_checkpoints(loaded), measure=measure)


def _measure(loaded: Loaded, predictions: Sequence[Predictions]) -> xr.Dataset:
    correlations, disagreements, members = [], [], []
    for split in SPLITS:
        targets = loaded.task.data.split(split).targets.cpu().numpy()
        outputs = [softmax_outputs(each.split(split), targets) for each in predictions]
        correlations.append([correlation(outputs, variant) for variant in CORRELATIONS])
        disagreements.append(disagreement(outputs))
        members.append(qualities(outputs, targets, bins=BINS))
    variables: Variables = {
        "correlation": (("split", "variant", "checkpoint", "other"), np.array(correlations)),
        "disagreement": (("split", "checkpoint", "other"), np.array(disagreements)),
        "checkpoint_group": (("checkpoint",), loaded.group_names),
    }
    by_quality = np.stack(members, axis=1)
    for name, values in zip(QUALITIES, by_quality, strict=True):
        variables[f"member_{name}"] = (("split", "checkpoint"), values)
    coordinates = {
        "split": np.array(SPLITS, dtype=object),
        "variant": np.array(CORRELATIONS, dtype=object),
        "checkpoint": np.array(loaded.labels, dtype=object),
        "other": np.array(loaded.labels, dtype=object),
    }
    return xr.Dataset(variables, coords=coordinates)


def correlation(outputs: Sequence[Outputs], variant: str) -> np.ndarray:
    """Pearson correlation of the softmax outputs of every two networks; three ways, as the paper does not say which.

    Args:
        outputs: Of M networks on the same examples.
        variant: One of `CORRELATIONS`. "per class" correlates over the examples for each class and takes the mean
            over the classes; "flattened" correlates over all examples and classes at once; "per example" correlates
            over the classes for each example and takes the mean over the examples.

    Returns:
        (M, M) in [-1, 1], symmetric, with ones on the diagonal. What is constant for one of the two networks has no
        correlation and is left out of the mean; NaN where nothing is left, as it is for outputs that overflowed.
    """
    return _mean_pearson(_BLOCKS[variant]([each.probabilities for each in outputs]))


def disagreement(outputs: Sequence[Outputs]) -> np.ndarray:
    """The fraction of examples that two networks put into different classes (Fort et al. 2019): (M, M), in [0, 1].

    An overflow is a class of its own.
    """
    classes = np.stack([each.classes for each in outputs])
    return np.array([(classes != mine).mean(1) for mine in classes])


def _by_class(probabilities: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for number in range(probabilities[0].shape[1]):
        yield np.stack([each[None, :, number] for each in probabilities])


def _flattened(probabilities: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    yield np.stack([each.reshape(1, -1) for each in probabilities])


def _by_example(probabilities: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for low in range(0, len(probabilities[0]), BLOCK_EXAMPLES):
        yield np.stack([each[low : low + BLOCK_EXAMPLES] for each in probabilities])


_BLOCKS: dict[str, Callable[[Sequence[np.ndarray]], Iterator[np.ndarray]]] = {
    "per class": _by_class,
    "flattened": _flattened,
    "per example": _by_example,
}


def _mean_pearson(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """The correlation along the last axis of arrays (M, R, any), which are overwritten, and its mean over the rows."""
    total, count = 0.0, 0.0
    for block in blocks:
        mean, high, low = (f(axis=2, keepdims=True) for f in (block.mean, block.max, block.min))
        varies = high > low
        block -= mean
        # First to at most 1: the squares of probabilities below 1e-154 would vanish.
        np.divide(block, np.maximum(high - mean, mean - low), out=block, where=varies)
        np.divide(block, np.linalg.norm(block, axis=2, keepdims=True), out=block, where=varies)
        flat = np.where(varies, block, 0.0).reshape(len(block), -1)
        usable = varies[..., 0].astype(np.float64)
        total, count = total + flat @ flat.T, count + usable @ usable.T
    mean = np.full_like(total, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    mean = np.clip((mean + mean.T) / 2, -1, 1)
    np.fill_diagonal(mean, np.where(np.isnan(mean.diagonal()), np.nan, 1.0))
    return mean
