import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from landscape.core.errors import DataError
from landscape.networks.raw_data import RawData, RawSplit, check_raw, normalise


def raw_images(dtype: type = np.uint8) -> RawData:
    random = np.random.default_rng(3)

    def split(count: int) -> RawSplit:
        values = random.integers(0, 256, (count, 2, 3, 5)).astype(dtype)
        return RawSplit(values, np.arange(count) % 3)

    return RawData(split(11), split(7), ("a", "b", "c"))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_are_normalised_by_channel_of_the_training_split(dtype: type) -> None:
    raw = raw_images(dtype)
    data = normalise(raw, name="x", source="here", scale=255)
    scaled = raw.train.values.astype(float) / 255
    np.testing.assert_allclose(data.mean, scaled.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(data.std, scaled.std((0, 2, 3)), rtol=1e-12)
    by_hand = (raw.test.values / 255 - scaled.mean((0, 2, 3), keepdims=True)[0]) / np.reshape(
        data.std, (2, 1, 1)
    )
    # float32 arithmetic on numbers of order 1
    np.testing.assert_allclose(data.test.inputs.numpy(), by_hand, atol=1e-6)
    assert data.input_shape == (2, 3, 5)


def test_features_are_normalised_one_by_one_and_constant_ones_stay_finite() -> None:
    values = np.array([[1.0, 5], [3, 5], [8, 5]], np.float32)
    raw = RawData(RawSplit(values, np.array([0, 1, 0])), RawSplit(values[:1] + 1, np.array([1])), ("a", "b"))
    data = normalise(raw, name="x", source="here")
    assert data.mean == (4.0, 5.0)
    assert data.std[1] == 1.0
    assert data.train.inputs[:, 1].tolist() == [0, 0, 0]
    assert data.test.inputs[0, 1] == 1
    assert data.train.inputs[:, 0].std(correction=0).item() == pytest.approx(1, rel=1e-6)


def test_normalising_leaves_the_raw_values_alone() -> None:
    raw = raw_images(np.float32)
    before = raw.train.values.copy()
    normalise(raw, name="x", source="here").train.inputs.zero_()
    np.testing.assert_array_equal(raw.train.values, before)


def test_the_digest_depends_on_values_labels_classes_split_and_type() -> None:
    raw = raw_images()
    other_values = raw.train.values.copy()
    other_values[0, 0, 0, 0] ^= 1
    variants = [
        raw,
        replace(raw, train=RawSplit(other_values, raw.train.labels)),
        replace(raw, train=RawSplit(raw.train.values, raw.train.labels[::-1])),
        replace(raw, classes=("a", "b", "d")),
        replace(raw, train=raw.test, test=raw.train),
        replace(raw, test=RawSplit(raw.test.values.astype(np.float32), raw.test.labels)),
        replace(raw, test=RawSplit(raw.test.values.reshape(7, 2, 5, 3), raw.test.labels)),
    ]
    assert len({variant.digest() for variant in variants}) == len(variants)


def test_the_digest_does_not_depend_on_memory_layout() -> None:
    raw = raw_images()
    turned = np.asfortranarray(raw.train.values)
    labels = raw.train.labels.astype(">i4")
    assert replace(raw, train=RawSplit(turned, labels)).digest() == raw.digest()


def test_inputs_of_data_are_contiguous() -> None:
    data = normalise(raw_images(), name="x", source="here")
    assert data.train.inputs.is_contiguous()
    assert torch.equal(data.train.targets, torch.arange(11) % 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"train": RawSplit(np.zeros((0, 2, 3, 5)), np.zeros(0, int))},
            "The training split of x is empty; give at least one",
        ),
        ({"test": RawSplit(np.zeros((0, 2, 3, 5)), np.zeros(0, int))}, "The test split of x is empty"),
        ({"classes": ("a",)}, "x has one class only; give examples of at least two"),
        (
            {"test": RawSplit(np.zeros((4, 2, 3, 5)), np.zeros(3, int))},
            "test split of x has 4 inputs and 3 labels; give one",
        ),
        (
            {"test": RawSplit(np.zeros((2, 2, 3, 5)), np.array([0, 3]))},
            "The test labels of x hold 3, which is out of range; with 3 classes, give whole numbers from 0 to 2.",
        ),
        (
            {"test": RawSplit(np.zeros((2, 2, 3, 5)), np.array([0, -1]))},
            "test labels of x hold -1, which is out of range",
        ),
        ({"classes": ("a", "b", "c", "d")}, "The class 'd' of x has no training example"),
        (
            {"test": RawSplit(np.zeros((2, 2, 5, 3)), np.array([0, 1]))},
            "The training inputs of x have shape [2, 3, 5], the test inputs [2, 5, 3]; give both splits the same",
        ),
        (
            {"test": RawSplit(np.full((1, 2, 3, 5), np.nan), np.array([0]))},
            "The test split of x holds NaN or infinite",
        ),
    ],
)
def test_what_no_classifier_could_learn_from_is_refused(change: dict[str, object], message: str) -> None:
    raw = replace(raw_images(), **change)
    with pytest.raises(DataError, match=re.escape(message)):
        check_raw(raw, "x")
