import re
from pathlib import Path

import numpy as np
import pytest

from landscape.core.errors import DataError
from landscape.networks import array_files
from landscape.networks.datasets import load_data

RANDOM = np.random.default_rng(11)
IMAGES = RANDOM.integers(0, 256, (9, 3, 7, 5), dtype=np.uint8)  # (N, C, H, W)


def save(path: Path, **changes: np.ndarray | None) -> Path:
    arrays = {
        "x_train": IMAGES,
        "y_train": np.arange(9) % 3,
        "x_test": IMAGES[:4],
        "y_test": np.arange(4) % 3,
    }
    kept = {name: array for name, array in {**arrays, **changes}.items() if array is not None}
    np.savez(path, **kept)
    return path


def load(path: Path, **changes: np.ndarray | None):
    return load_data(str(save(path / "own.data.npz", **changes)))


def test_channels_first_and_last_are_the_same_data(tmp_path: Path) -> None:
    first = load(tmp_path)
    last = load(tmp_path, x_train=IMAGES.transpose(0, 2, 3, 1), x_test=IMAGES[:4].transpose(0, 2, 3, 1))
    assert first.name == "own.data"
    assert first.input_shape == last.input_shape == (3, 7, 5)
    assert first.digest == last.digest
    assert first.train.inputs.equal(last.train.inputs)
    assert first.classes == ("0", "1", "2")
    assert first.mean[0] == pytest.approx(IMAGES[:, 0].mean() / 255, rel=1e-12)


def test_images_without_channels_have_one(tmp_path: Path) -> None:
    data = load(tmp_path, x_train=IMAGES[:, 0], x_test=IMAGES[:4, 0])
    assert data.input_shape == (1, 7, 5)


def test_float_images_are_taken_as_they_are(tmp_path: Path) -> None:
    values = RANDOM.normal(size=(9, 7, 5, 1))
    data = load(tmp_path, x_train=values, x_test=values[:4])
    assert data.input_shape == (1, 7, 5)
    assert data.mean[0] == pytest.approx(values.astype(np.float32).mean(dtype=float), rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int32])
def test_features_are_float_and_normalised_one_by_one(tmp_path: Path, dtype: type) -> None:
    values = (RANDOM.normal(size=(9, 6)) * 50 + 100).astype(dtype)
    data = load(tmp_path, x_train=values, x_test=values[:4])
    assert data.input_shape == (6,)
    assert len(data.mean) == 6
    np.testing.assert_allclose(data.mean, values.astype(np.float32).mean(0, dtype=float), rtol=1e-6)


def test_labels_may_be_a_column_or_whole_floats(tmp_path: Path) -> None:
    data = load(tmp_path, y_train=(np.arange(9) % 3)[:, None], y_test=np.array([0.0, 1, 2, 0]))
    assert data.train.targets.tolist() == [0, 1, 2] * 3
    assert data.test.targets.tolist() == [0, 1, 2, 0]


def test_classes_may_have_names(tmp_path: Path) -> None:
    assert load(tmp_path, classes=np.array(["ant", "bee", "cow"])).classes == ("ant", "bee", "cow")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_test": None},
            "has no array 'y_test'; expected x_train, y_train, x_test, y_test, found x_test, x_train",
        ),
        (
            {"y_train": np.array([0, 1, 2, 0, 1, 2, 0, 1, 5])},
            "training labels of .* hold 5, which is out of range; with 4",
        ),
        (
            {"y_train": np.array([0, 1, 2, 0, 1, 2, 0, 1, -1])},
            "training labels of .* hold -1, which is out of range",
        ),
        (
            {"y_test": np.array([0, 1, 2, 3])},
            "test labels of .* hold 3, which is out of range; with 3 classes",
        ),
        (
            {"y_test": np.array([0, 1, 2, 0.5])},
            "y_test of .*, of type float64, does not hold whole numbers; number",
        ),
        ({"y_test": np.array([0, 1, 2, np.nan])}, "y_test of .* does not hold whole numbers"),
        ({"y_test": np.array([0, 1, 2, np.inf])}, "y_test of .* does not hold whole numbers"),
        ({"y_test": np.array(list("abcd"))}, "y_test of .*, of type <U1, does not hold whole numbers"),
        (
            {"y_test": np.zeros((4, 3), int)},
            r"y_test of .* has shape \[4, 3\]; expected one label for each input",
        ),
        ({"y_train": np.zeros(9, int)}, "has one class only"),
        ({"y_test": np.zeros(3, int)}, "test split of .* has 4 inputs and 3 labels"),
        ({"x_test": IMAGES[:0], "y_test": np.zeros(0, int)}, "The test split of .* is empty"),
        ({"x_train": IMAGES[:0], "y_train": np.zeros(0, int)}, "The training split of .* is empty"),
        (
            {"x_test": IMAGES[:4, :, :, :3]},
            r"training inputs of .* have shape \[3, 7, 5\], the test inputs \[3, 7, 3\]",
        ),
        (
            {"x_train": np.zeros((9, 7, 6, 5))},
            r"x_train of .* has shape \[9, 7, 6, 5\]; expected \(N, H, W\)",
        ),
        ({"x_train": np.zeros(9)}, r"x_train of .* has shape \[9\]; expected"),
        (
            {"x_train": np.zeros((9, 0))},
            r"x_train of .* has shape \[9, 0\]; an input needs at least one value",
        ),
        ({"x_train": np.zeros((9, 6), complex)}, "x_train of .* has type complex128; expected real numbers"),
        ({"x_test": np.full((4, 3, 7, 5), 1e300)}, "The test split of .* holds NaN or infinite values"),
        ({"classes": np.array(["a", "a", "b"])}, "classes of .* names a class twice"),
        (
            {"classes": np.array(["a", "b"])},
            "training labels of .* hold 2, which is out of range; with 2 classes",
        ),
        ({"classes": np.array(list("abcd"))}, "The class 'd' of .* has no training example"),
        ({"y_train": np.array([{}] * 9, dtype=object)}, "holds Python objects, which are never unpickled"),
    ],
)
def test_bad_arrays_get_a_sentence(tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path, **changes)


def test_a_damaged_file_gets_a_sentence(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz")
    content = path.read_bytes()
    for cut in (0, 10, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:cut])
        with pytest.raises(
            DataError, match=re.escape(f"{path} is cut short, damaged or no .npz file; save it")
        ):
            load_data(str(path))
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    path.write_bytes(flipped)
    with pytest.raises(DataError, match="is cut short, damaged or no"):
        load_data(str(path))


def test_a_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_files, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match=r"x.npz unpacks to 0.0 GiB; at most 0 GiB can be held. Give fewer"):
        load_data(str(save(tmp_path / "x.npz")))
