import hashlib
import pickle
import re
import struct
import subprocess
import sys
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from landscape.core.errors import DataError
from landscape.networks import torchvision_sets
from landscape.networks.datasets import load_data
from landscape.networks.torchvision_sets import TORCHVISION_FILES, load_torchvision
from landscape.networks.torchvision_shim import import_datasets

RANDOM = np.random.default_rng(2)
TRAIN = RANDOM.integers(0, 256, (30, 3, 32, 32), dtype=np.uint8)
TEST = RANDOM.integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)


@pytest.mark.parametrize("name", TORCHVISION_FILES)
def test_missing_files_are_named_with_their_folder(tmp_path: Path, name: str) -> None:
    files = ", ".join(TORCHVISION_FILES[name])
    message = (
        f"{name} is not here: looked in {tmp_path} for {files}. Allow the download (--download), or name"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        load_data(name, folder=tmp_path)


def test_the_folder_is_data_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=re.escape(f"MNIST is not here: looked in {tmp_path / 'data'} for")):
        load_data("MNIST")


def test_the_files_are_those_that_torchvision_reads() -> None:
    datasets = import_datasets()
    for name in ("MNIST", "FashionMNIST"):
        archives = [f"{name}/raw/{file.removesuffix('.gz')}" for file, _ in getattr(datasets, name).resources]
        assert list(TORCHVISION_FILES[name]) == archives
    for name in ("CIFAR10", "CIFAR100"):
        cls = getattr(datasets, name)
        files = [file for file, _ in cls.train_list + cls.test_list] + [cls.meta["filename"]]
        assert list(TORCHVISION_FILES[name]) == [f"{cls.base_folder}/{file}" for file in files]
    assert list(TORCHVISION_FILES["SVHN"]) == [
        datasets.SVHN.split_list[split][1] for split in ("train", "test")
    ]


def test_mnist(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix, images in (("train", TRAIN[:, 0, :28, :28]), ("t10k", TEST[:, 0, :28, :28])):
        count = len(images)
        labels = np.arange(count) % 10
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, count) + labels.astype(np.uint8).tobytes()
        )
    data = load_data("FashionMNIST", folder=tmp_path)
    assert data.name == "FashionMNIST"
    assert data.train.inputs.shape == (30, 1, 28, 28)
    assert data.test.targets.tolist() == list(range(10))
    assert data.classes[9] == "Ankle boot"
    raw = load_torchvision("FashionMNIST", tmp_path, download=False)
    np.testing.assert_array_equal(raw.test.values[:, 0], TEST[:, 0, :28, :28])
    (folder / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03cut")
    with pytest.raises(
        DataError, match=r"files of FashionMNIST in .* are damaged or incomplete .*; delete them"
    ):
        load_data("FashionMNIST", folder=tmp_path)


def test_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = import_datasets().CIFAR10
    folder = tmp_path / cls.base_folder
    folder.mkdir()

    def write(name: str, content: dict[str, object]) -> str:
        (folder / name).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(images: np.ndarray) -> dict[str, object]:
        return {
            "data": images.reshape(len(images), -1),
            "labels": [index % 10 for index in range(len(images))],
        }

    train = [
        [f"data_batch_{number + 1}", write(f"data_batch_{number + 1}", batch(TRAIN[number * 6 :][:6]))]
        for number in range(5)
    ]
    monkeypatch.setattr(cls, "train_list", train)
    monkeypatch.setattr(cls, "test_list", [["test_batch", write("test_batch", batch(TEST))]])
    names = [f"class {index}" for index in range(10)]
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": write("batches.meta", {"label_names": names})})
    # The labels of each batch of six begin with 0, so four of the ten classes have no example.
    with pytest.raises(DataError, match="The class 'class 6' of CIFAR10 has no training example"):
        load_data("CIFAR10", folder=tmp_path)
    raw = load_torchvision("CIFAR10", tmp_path, download=False)
    np.testing.assert_array_equal(raw.train.values, TRAIN)
    np.testing.assert_array_equal(raw.test.values, TEST)
    assert raw.classes == tuple(names)
    (folder / "test_batch").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"files of CIFAR10 in .* are damaged or incomplete .*; delete them"):
        load_data("CIFAR10", folder=tmp_path)


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    cls = import_datasets().SVHN
    splits = {}
    for split, images in (("train", TRAIN), ("test", TEST)):
        path = tmp_path / f"{split}_32x32.mat"
        labels = np.arange(1, len(images) + 1) % 10
        labels[labels == 0] = 10  # as the files have it
        savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": labels.astype(np.uint8)[:, None]})
        splits[split] = ["", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(cls, "split_list", splits)
    raw = load_torchvision("SVHN", tmp_path, download=False)
    np.testing.assert_array_equal(raw.train.values, TRAIN)
    assert raw.test.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert load_data("SVHN", folder=tmp_path).classes == tuple("0123456789")


def test_a_failed_download_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torchvision_sets, "_load_split", unreachable)
    message = f"(Name or service not known); check the network, or copy its files to {tmp_path}."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data("SVHN", download=True, folder=tmp_path)


def test_a_missing_package_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_scipy(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr(torchvision_sets, "_load_split", without_scipy)
    with pytest.raises(DataError, match="SVHN needs the package scipy; install it with pip"):
        load_data("SVHN", download=True, folder=tmp_path)


def test_torchvision_imports_in_a_fresh_interpreter() -> None:
    program = (
        "from landscape.networks.torchvision_shim import import_datasets; first = import_datasets(); "
        "assert first.MNIST; assert import_datasets() is first; import torchvision.models, torchvision.transforms"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
