from importlib.resources import files

import numpy as np
import torch

from landscape.networks.datasets import load_data
from landscape.networks.handwritten_digits import load_digits


def test_shapes_and_normalisation() -> None:
    data = load_data("digits")
    assert data.name == "digits"
    assert data.train.inputs.shape == (1437, 1, 8, 8)
    assert data.test.inputs.shape == (360, 1, 8, 8)
    assert data.train.inputs.dtype == torch.float32
    assert data.train.targets.dtype == torch.int64
    assert data.classes == tuple("0123456789")
    assert data.train.inputs.double().mean().abs() < 1e-6
    assert abs(data.train.inputs.double().std(correction=0) - 1) < 1e-6
    # In units of [0, 1], so the 16 levels come back.
    levels = (data.test.inputs * data.std[0] + data.mean[0]) * 16
    assert (levels - levels.round()).abs().max() < 1e-4
    assert levels.round().unique().tolist() == list(range(17))


def test_the_split_is_stratified() -> None:
    raw = load_digits()
    total = np.bincount(raw.train.labels) + np.bincount(raw.test.labels)
    assert total.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (np.abs(np.bincount(raw.test.labels) - total * 360 / 1797) < 1).all()


def test_no_image_is_in_both_splits() -> None:
    raw = load_digits()
    train = {image.tobytes() for image in raw.train.values}
    test = {image.tobytes() for image in raw.test.values}
    assert len(train) == 1437
    assert len(test) == 360
    assert not train & test


def test_the_data_and_their_split_never_change() -> None:
    # The digest is part of request keys: a change here makes every stored result of the digits a stranger.
    assert load_digits().digest() == "4a1de3e1ef313f5eee033d9df1d4032ad866b4cebc76b5939eec54d29ba1dc06"


def test_the_attribution_comes_with_the_data() -> None:
    text = (files("landscape.networks") / "digits" / "ATTRIBUTION.md").read_text()
    for fact in ("Alpaydin", "Kaynak", "CC BY 4.0", "1,797", "UCI", "scikit-learn"):
        assert fact in text
