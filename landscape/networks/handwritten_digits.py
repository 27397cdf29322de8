"""The handwritten digits that come with the package, and their fixed split."""

from importlib.resources import files

import numpy as np

from landscape.core.seeds import seed_for
from landscape.networks.raw_data import RawData, RawSplit, numbered_classes

NAME = "digits"
SOURCE = "UCI Optical Recognition of Handwritten Digits (E. Alpaydin and C. Kaynak, 1998), shipped with the package"
SCALE = 16.0  # each value counts the black pixels of a 4 x 4 block
TEST_COUNT = 360


def load_digits() -> RawData:
    """1,797 images of 8 x 8 pixels, values 0 to 16: 1,437 for training and 360 for testing, stratified by class."""
    with (files("landscape.networks") / "digits" / "digits.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    test = _test_mask(labels)
    values = images[:, None]
    return RawData(
        RawSplit(values[~test], labels[~test]), RawSplit(values[test], labels[test]), numbered_classes(10)
    )


def _test_mask(labels: np.ndarray) -> np.ndarray:
    # Ranks by hash instead of a random generator: no library version can ever move an image to the other split.
    rank = np.array([seed_for(0, f"digits split {index}") for index in range(len(labels))])
    share = np.bincount(labels) * TEST_COUNT / len(labels)
    counts = np.floor(share).astype(int)
    counts[np.argsort(counts - share, kind="stable")[: TEST_COUNT - counts.sum()]] += 1
    mask = np.zeros(len(labels), dtype=bool)
    for label, count in enumerate(counts):
        members = np.flatnonzero(labels == label)
        mask[members[np.argsort(rank[members], kind="stable")[:count]]] = True
    return mask
