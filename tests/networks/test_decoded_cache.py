import errno
import os
from pathlib import Path

import pytest

from landscape.networks import decoded_cache, image_trees
from landscape.networks.datasets import load_data
from tests.networks.trees import encode, pixels, tree, write_folder, write_tar


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each image decoded."""
    names: list[str] = []
    decode = image_trees.decode_image

    def counted(content: bytes, name: str, size: tuple[int, int] | None):
        names.append(name)
        return decode(content, name, size)

    monkeypatch.setattr(image_trees, "decode_image", counted)
    return names


@pytest.mark.parametrize("name", ["x", "x.tar.gz"])
def test_the_second_load_decodes_nothing(tmp_path: Path, decodings: list[str], name: str) -> None:
    path = (write_folder if name == "x" else write_tar)(tree(), tmp_path / name)
    cache = tmp_path / "cache"
    first = load_data(str(path), cache=cache)
    assert len(decodings) == len(tree())
    second = load_data(str(path), cache=cache)
    assert len(decodings) == len(tree())
    assert second.digest == first.digest
    assert second.classes == first.classes
    assert second.train.inputs.equal(first.train.inputs)
    assert second.test.targets.equal(first.test.targets)
    assert load_data(str(path)).digest == first.digest


def test_a_changed_archive_is_decoded_again_and_the_old_copy_goes(tmp_path: Path) -> None:
    path, cache = tmp_path / "x.tar.gz", tmp_path / "cache"
    first = load_data(str(write_tar(tree(), path)), cache=cache)
    second = load_data(str(write_tar({**tree(), "test/cat/9.png": encode(pixels(9))}, path)), cache=cache)
    assert second.digest != first.digest
    assert len(second.test) == len(first.test) + 1
    assert len(list(cache.iterdir())) == 1


def test_a_changed_file_of_a_folder_is_seen(tmp_path: Path) -> None:
    path, cache = write_folder(tree(), tmp_path / "x"), tmp_path / "cache"
    first = load_data(str(path), cache=cache)
    changed = path / "train" / "ant" / "0.png"
    changed.write_bytes(encode(pixels(77)))
    os.utime(changed, ns=(1, 1))
    assert load_data(str(path), cache=cache).digest != first.digest


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_copy_is_made_again(tmp_path: Path, decodings: list[str], damage: str) -> None:
    path, cache = write_tar(tree(), tmp_path / "x.tar.gz"), tmp_path / "cache"
    first = load_data(str(path), cache=cache)
    (copy,) = cache.iterdir()
    whole = copy.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "flip": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "empty": b"",
        "other": b"something else",
    }[damage]
    copy.write_bytes(damaged)
    decodings.clear()
    assert load_data(str(path), cache=cache).digest == first.digest
    assert len(decodings) == len(tree())
    assert copy.read_bytes() == whole


def test_a_copy_with_valid_arrays_of_other_content_is_not_believed(
    tmp_path: Path, decodings: list[str]
) -> None:
    cache = tmp_path / "cache"
    path = write_tar(tree(), tmp_path / "x.tar.gz")
    first = load_data(str(path), cache=cache)
    (copy,) = cache.iterdir()
    raw = image_trees.load_image_tree(path)
    raw.train.labels[0] = 2
    digest = raw.digest()
    decoded_cache._write(copy, raw)
    assert load_data(str(path), cache=cache).digest == digest  # a whole copy is believed ...
    damaged = copy.read_bytes().replace(digest.encode("utf-32-le"), first.digest.encode("utf-32-le"))
    copy.write_bytes(damaged)
    assert (
        load_data(str(path), cache=cache).digest == first.digest
    )  # ... one that contradicts its digest is not


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, raw: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(decoded_cache, "_write", full)
    path, cache = write_tar(tree(), tmp_path / "x.tar.gz"), tmp_path / "cache"
    assert len(load_data(str(path), cache=cache).train) == 9
    assert list(cache.iterdir()) == []
    (tmp_path / "file").write_text("a file where the folder should be")
    assert len(load_data(str(path), cache=tmp_path / "file").train) == 9
