"""Data from an `.npz` file with `x_train`, `y_train`, `x_test`, `y_test`."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from landscape.core.errors import DataError
from landscape.networks.raw_data import MAX_BYTES, RawData, RawSplit, numbered_classes

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
CHANNEL_COUNTS = (1, 2, 3, 4)


def load_arrays(path: Path) -> RawData:
    """Read an `.npz` file; nothing in it is unpickled.

    Inputs are understood by their number of axes:
        two, (N, D): features, float or whole numbers; each feature is normalised by itself;
        three, (N, H, W): images of one channel;
        four: images (N, C, H, W) if the second axis has at most 4 entries, else (N, H, W, C) if the last has.

    uint8 images count from 0 to 255; every other number is taken as it is, in float32. Labels are whole numbers from 0
    without gaps, (N,) or (N, 1). An optional array `classes` holds the class names.

    Raises:
        DataError: The file is damaged, an array is missing or of an unusable shape or type.
    """
    arrays = _read(path)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise DataError(
            f"{path} has no array {missing[0]!r}; expected {', '.join(ARRAYS)}, found {', '.join(sorted(arrays))}."
        )
    splits = []
    for split in ("train", "test"):
        labels = _labels(arrays[f"y_{split}"], f"y_{split} of {path}")
        splits.append(RawSplit(_values(arrays[f"x_{split}"], f"x_{split} of {path}"), labels))
    train, test = splits
    return RawData(train, test, _classes(arrays, train.labels, path))


def _read(path: Path) -> dict[str, np.ndarray]:
    wanted = (*ARRAYS, "classes")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > MAX_BYTES:
            raise DataError(
                f"{path} unpacks to {size / 2**30:.1f} GiB; at most {MAX_BYTES >> 30} GiB can be held. "
                "Give fewer or smaller inputs."
            )
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            # Only what is wanted is unpacked; the other names are told in the message about a missing one.
            return {name: file[name] if name in wanted else np.empty(0) for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if "pickle" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are never unpickled; save plain numeric arrays."
            ) from error
        raise DataError(
            f"{path} is cut short, damaged or no .npz file; save it again with numpy.savez."
        ) from error


def _values(array: np.ndarray, what: str) -> np.ndarray:
    if array.dtype.kind not in "uifb":
        raise DataError(f"{what} has type {array.dtype}; expected real numbers such as uint8 or float32.")
    is_bytes = array.dtype == np.uint8
    match array.ndim:
        case 2:
            is_bytes = False
        case 3:
            array = array[:, None]
        case 4 if array.shape[1] in CHANNEL_COUNTS:
            pass
        case 4 if array.shape[3] in CHANNEL_COUNTS:
            array = array.transpose(0, 3, 1, 2)
        case _:
            raise DataError(
                f"{what} has shape {list(array.shape)}; expected (N, H, W), (N, C, H, W) or (N, H, W, C) with at most "
                "4 channels, or features (N, D)."
            )
    if 0 in array.shape[1:]:
        raise DataError(f"{what} has shape {list(array.shape)}; an input needs at least one value.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and that is refused later
        return np.ascontiguousarray(array, dtype=np.uint8 if is_bytes else np.float32)


def _labels(array: np.ndarray, what: str) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{what} has shape {list(array.shape)}; expected one label for each input, (N,).")
    whole = array.dtype.kind in "ui" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
    if not whole or not (np.abs(array.astype(np.float64)) < 2**31).all():
        raise DataError(
            f"{what}, of type {array.dtype}, does not hold whole numbers; number the classes 0, 1, 2, ..."
        )
    return array.astype(np.int64)


def _classes(arrays: dict[str, np.ndarray], train_labels: np.ndarray, path: Path) -> tuple[str, ...]:
    if "classes" not in arrays:
        # The number of different labels, not the largest one: a label that is far out must not open a million classes.
        return numbered_classes(len(np.unique(train_labels)))
    names = tuple(str(name) for name in arrays["classes"].reshape(-1))
    if len(set(names)) < len(names):
        raise DataError(f"The array classes of {path} names a class twice; give each class its own name.")
    return names
