"""Public data sets by name, read and downloaded by torchvision."""

import urllib.error
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from landscape.core.errors import DataError
from landscape.networks.raw_data import RawData, RawSplit, numbered_classes
from landscape.networks.torchvision_shim import import_datasets

_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# Where torchvision puts the files, relative to its folder; written here so that a missing one is told at once,
# without importing torchvision.
TORCHVISION_FILES: dict[str, tuple[str, ...]] = {
    "MNIST": tuple(f"MNIST/raw/{name}" for name in _MNIST_FILES),
    "FashionMNIST": tuple(f"FashionMNIST/raw/{name}" for name in _MNIST_FILES),
    "CIFAR10": tuple(
        f"cifar-10-batches-py/{name}"
        for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
    ),
    "CIFAR100": tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta")),
    "SVHN": ("train_32x32.mat", "test_32x32.mat"),
}


def load_torchvision(name: str, folder: Path, *, download: bool) -> RawData:
    """Read a data set from torchvision's files.

    Args:
        name: A key of `TORCHVISION_FILES`.
        folder: What torchvision calls `root`.
        download: Whether missing files may be fetched from the data set's own servers.

    Raises:
        DataError: Files are missing or damaged, or the download failed.
    """
    missing = [file for file in TORCHVISION_FILES[name] if not (folder / file).is_file()]
    if missing and not download:
        raise DataError(
            f"{name} is not here: looked in {folder.resolve()} for {', '.join(missing)}. "
            "Allow the download (--download), or name the folder that holds the files."
        )
    try:
        train, classes = _load_split(name, folder, is_train=True, download=download)
        test, _ = _load_split(name, folder, is_train=False, download=download)
    except urllib.error.URLError as error:
        raise DataError(
            f"{name} could not be downloaded ({error.reason}); check the network, or copy its files to "
            f"{folder.resolve()}."
        ) from error
    except ModuleNotFoundError as error:
        raise DataError(f"{name} needs the package {error.name}; install it with pip.") from error
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, AssertionError) as error:
        raise DataError(
            f"The files of {name} in {folder.resolve()} are damaged or incomplete ({error}); "
            "delete them and download again."
        ) from error
    return RawData(train, test, classes)


def _load_split(
    name: str, folder: Path, *, is_train: bool, download: bool
) -> tuple[RawSplit, tuple[str, ...]]:
    datasets = import_datasets()
    with warnings.catch_warnings():
        # The pickles of CIFAR were written by an old numpy, and a new one warns of how they describe their types.
        warnings.simplefilter("ignore")
        match name:
            case "SVHN":
                data: Any = datasets.SVHN(folder, "train" if is_train else "test", download=download)
                return RawSplit(
                    _contiguous(data.data), np.asarray(data.labels, dtype=np.int64)
                ), numbered_classes(10)
            case "CIFAR10" | "CIFAR100":
                data = getattr(datasets, name)(folder, is_train, download=download)
                values = data.data.transpose(0, 3, 1, 2)
            case _:
                data = getattr(datasets, name)(folder, is_train, download=download)
                values = data.data.numpy()[:, None]
    return RawSplit(_contiguous(values), np.asarray(data.targets, dtype=np.int64)), tuple(data.classes)


def _contiguous(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.uint8)
