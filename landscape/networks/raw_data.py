"""Data as it was read: whole values and labels, checked, digested, and turned into normalised tensors."""

# Shapes: N examples · C channels · H, W height and width · D features

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landscape.core.errors import DataError
from landscape.networks.tasks import Data, Examples

BYTE_SCALE = 255.0
# Ours: four times as much is needed once the values are float32. CIFAR is 0.2 GiB, Tiny ImageNet 1.3 GiB.
MAX_BYTES = 4 << 30


@dataclass(frozen=True, eq=False)
class RawSplit:
    """Values uint8 or float32, images (N, C, H, W) or features (N, D); labels int64 (N,)."""

    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class RawData:
    """Both splits before normalisation, and the class names in the order of the labels."""

    train: RawSplit
    test: RawSplit
    classes: tuple[str, ...]

    def digest(self) -> str:
        """Hex SHA-256 of values, labels and class names; file names and archive formats do not enter."""
        state = hashlib.sha256("\0".join(self.classes).encode())
        for split in (self.train, self.test):
            state.update(f"\0{split.values.dtype}\0{split.values.shape}\0".encode())
            state.update(np.ascontiguousarray(split.values).data)
            state.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
        return state.hexdigest()


def check_raw(raw: RawData, name: str) -> None:
    """Refuse data that no classifier could learn from.

    Raises:
        DataError: A split is empty, there is one class only, splits have different shapes, a label is out of range,
            a class has no training example, or a value is not finite.
    """
    for split, part in (("training", raw.train), ("test", raw.test)):
        if len(part.values) == 0:
            raise DataError(f"The {split} split of {name} is empty; give at least one example of each class.")
        if len(part.values) != len(part.labels):
            raise DataError(
                f"The {split} split of {name} has {len(part.values)} inputs and {len(part.labels)} labels; "
                "give one label for each input."
            )
        if len(raw.classes) < 2:
            raise DataError(f"{name} has one class only; give examples of at least two classes.")
        _check_labels(part.labels, len(raw.classes), f"{split} labels of {name}")
        if part.values.dtype != np.uint8 and not np.isfinite(part.values).all():
            raise DataError(f"The {split} split of {name} holds NaN or infinite values; give finite numbers.")
    if raw.train.values.shape[1:] != raw.test.values.shape[1:]:
        raise DataError(
            f"The training inputs of {name} have shape {list(raw.train.values.shape[1:])}, the test inputs "
            f"{list(raw.test.values.shape[1:])}; give both splits the same shape."
        )
    absent = np.flatnonzero(np.bincount(raw.train.labels, minlength=len(raw.classes)) == 0)
    if len(absent):
        raise DataError(
            f"The class {raw.classes[absent[0]]!r} of {name} has no training example; "
            "number the labels 0, 1, 2, ... without gaps and give examples of each."
        )


def normalise(raw: RawData, *, name: str, source: str, scale: float | None = None) -> Data:
    """Normalised tensors: (value / scale - mean) / std, both taken from the training split.

    Images are normalised by channel, features each by itself. A constant channel is centred and left unscaled.

    Args:
        raw: Checked data.
        name: What people call it.
        source: Where it was read.
        scale: The value that stands for 1; by default 255 for uint8 and 1 for float.

    Returns:
        Data on the CPU, float32.
    """
    if scale is None:
        scale = BYTE_SCALE if raw.train.values.dtype == np.uint8 else 1.0
    mean, std = _moments(raw.train.values, scale)
    return Data(
        name=name,
        digest=raw.digest(),
        train=_examples(raw.train, scale, mean, std),
        test=_examples(raw.test, scale, mean, std),
        classes=raw.classes,
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        source=source,
    )


def numbered_classes(count: int) -> tuple[str, ...]:
    """Names for classes that have none: "0", "1", ..."""
    return tuple(str(index) for index in range(count))


def _check_labels(labels: np.ndarray, classes: int, what: str) -> None:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise DataError(
            f"The {what} hold {int(wrong[0])}, which is out of range; with {classes} classes, give whole numbers "
            f"from 0 to {classes - 1}."
        )


def _moments(values: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    if values.dtype == np.uint8 and values.ndim == 4:
        return _byte_moments(values, scale)
    axes = (0,) if values.ndim == 2 else (0, 2, 3)
    scaled = values.astype(np.float64) / scale
    return scaled.mean(axes), _usable(scaled.std(axes))


def _byte_moments(images: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    # Counting the 256 levels is exact whatever the order of summation, and quicker than float64 copies of all pixels.
    levels = np.arange(256) / scale
    counts = np.stack(
        [np.bincount(images[:, channel].reshape(-1), minlength=256) for channel in range(images.shape[1])]
    )
    shares = counts / counts.sum(1, keepdims=True)
    mean = shares @ levels
    variance = (shares * (levels - mean[:, None]) ** 2).sum(1)
    return mean, _usable(np.sqrt(variance))


def _usable(std: np.ndarray) -> np.ndarray:
    return np.where(std > 0, std, 1.0)


def _examples(split: RawSplit, scale: float, mean: np.ndarray, std: np.ndarray) -> Examples:
    inputs = torch.from_numpy(split.values).to(torch.float32, copy=True)
    inputs.div_(scale).sub_(_along_channels(mean, inputs)).div_(_along_channels(std, inputs))
    return Examples(inputs, torch.from_numpy(split.labels.astype(np.int64)))


def _along_channels(values: Sequence[float] | np.ndarray, inputs: Tensor) -> Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float32).reshape(-1, *[1] * (inputs.ndim - 2))
