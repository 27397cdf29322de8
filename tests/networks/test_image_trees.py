import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landscape.core.errors import DataError
from landscape.networks import image_trees
from landscape.networks.datasets import load_data
from landscape.networks.image_trees import load_image_tree
from tests.networks.trees import (
    COUNTS,
    HEIGHT,
    WIDTH,
    encode,
    hash_of,
    pixels,
    tree,
    write_folder,
    write_tar,
    write_zip,
)

WRITERS: dict[str, Callable[[dict[str, bytes], Path], Path]] = {
    "pets.v2": write_folder,
    "pets.v2.zip": write_zip,
    "pets.v2.tar": write_tar,
    "pets.v2.tar.gz": write_tar,
    "pets.v2.tar.xz": write_tar,
}


def enclosed(files: dict[str, bytes], folder: str = "inner") -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_same_data(tmp_path: Path, name: str) -> None:
    files = {
        **tree(),
        "README.txt": b"notes",
        "train/notes.txt": b"more",
        "train/ant/.hidden": b"",
        "__MACOSX/train/ant/x.png": b"",
    }
    data = load_data(str(WRITERS[name](files, tmp_path / name)))
    assert data.name == "pets.v2"
    assert data.classes == ("ant", "cat", "dog")
    assert data.train.inputs.shape == (9, 3, HEIGHT, WIDTH)
    assert data.train.targets.tolist() == [0] * 4 + [1] * 3 + [2] * 2
    assert data.test.targets.tolist() == [0, 0, 1, 2, 2]
    assert data.digest == load_image_tree(write_folder(tree(), tmp_path / "plain")).digest()


@pytest.mark.parametrize("name", WRITERS)
def test_one_enclosing_folder_is_allowed(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](enclosed(tree()), tmp_path / name)
    assert (
        load_image_tree(path).digest() == load_image_tree(write_folder(tree(), tmp_path / "plain")).digest()
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_arrive_where_they_belong(tmp_path: Path, channels: int) -> None:
    raw = load_image_tree(write_folder(tree(channels), tmp_path / "x"))
    for split, part in (("train", raw.train), ("test", raw.test)):
        row = 0
        for label in sorted(COUNTS[split]):
            for number in range(COUNTS[split][label]):
                expected = pixels((hash_of(split, label) + number) % 1000, channels)
                expected = expected[None] if channels == 1 else expected.transpose(2, 0, 1)
                np.testing.assert_array_equal(part.values[row], expected)
                row += 1
        assert row == len(part.values)


def test_gray_images_among_coloured_ones_become_coloured(tmp_path: Path) -> None:
    gray = pixels(1, channels=1)
    raw = load_image_tree(write_folder({**tree(), "train/ant/0.png": encode(gray)}, tmp_path / "x"))
    np.testing.assert_array_equal(raw.train.values[0], np.stack([gray] * 3))


def test_a_link_in_a_folder_is_followed_but_not_for_ever(tmp_path: Path) -> None:
    plain = write_folder(tree(), tmp_path / "plain")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "train").symlink_to(plain / "train")
    (linked / "test").symlink_to(plain / "test")
    (linked / "test" / "ant" / "loop").symlink_to(linked)
    assert load_image_tree(linked).digest() == load_image_tree(plain).digest()


ONLY_ANTS = {name: content for name, content in tree().items() if "/ant/" in name}
ONLY_TRAIN = {name: content for name, content in tree().items() if name.startswith("train")}
NO_TEST_DOGS = {name: content for name, content in tree().items() if not name.startswith("test/dog")}
NO_TRAIN_CATS = {name: content for name, content in tree().items() if not name.startswith("train/cat")}
WIDE = encode(np.zeros((5, 6, 3), np.uint8))

BAD_TREES = {
    "one class": (ONLY_ANTS, "x{} has one class only; give examples of at least two classes."),
    "no test": (
        ONLY_TRAIN,
        "x{} has no images in test/<class>/; expected train/<class>/* and test/<class>/*.",
    ),
    "nothing": ({"notes.txt": b""}, "x{} has no images in train/<class>/; expected"),
    "train only class": (
        NO_TEST_DOGS,
        "The class 'dog' of {path} has images in train but none in test; give both",
    ),
    "test only class": (NO_TRAIN_CATS, "The class 'cat' of {path} has images in test but none in train"),
    "unreadable": (
        {**tree(), "train/dog/5.png": b"not an image"},
        "train/dog/5.png in {path} is no readable image (it is in no known image format); replace or remove it.",
    ),
    "cut short": (
        {**tree(), "train/dog/5.png": encode(pixels(1))[:-30]},
        "train/dog/5.png in {path} is no readable image (",
    ),
    "other size": (
        {**tree(), "train/dog/5.png": WIDE},
        "train/dog/5.png in {path} has 6 x 5 pixels (width x height), other images 5 x 7; give all images the same",
    ),
    "deeper": (
        {**tree(), "train/dog/more/5.png": WIDE},
        "The file train/dog/more/5.png lies deeper than a class folder",
    ),
    "outside": (
        {**tree(), "train/5.png": WIDE},
        "The file train/5.png lies outside a class folder; expected",
    ),
    "two sets": (
        {**enclosed(tree(), "a"), **enclosed(tree(), "b")},
        "{path} holds two data sets, in 'a' and in 'b'",
    ),
}


@pytest.mark.parametrize("name", ["x", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize("case", BAD_TREES)
def test_bad_trees_get_a_sentence(tmp_path: Path, name: str, case: str) -> None:
    files, message = BAD_TREES[case]
    path = {"x": write_folder, "x.zip": write_zip, "x.tar.gz": write_tar}[name](files, tmp_path / name)
    with pytest.raises(DataError, match=re.escape(message.format(name.removeprefix("x"), path=path))):
        load_data(str(path))


def test_images_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_trees, "MAX_BYTES", 500)
    with pytest.raises(DataError, match="need more than 0 GiB; give fewer or smaller images"):
        load_image_tree(write_folder(tree(), tmp_path / "x"))
