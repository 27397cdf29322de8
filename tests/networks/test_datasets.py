import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landscape.core.errors import DataError
from landscape.networks.datasets import data_names, load_data
from tests.networks.trees import tree, write_folder, write_tar


def test_names() -> None:
    assert data_names() == ("digits", "MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "SVHN")


def test_a_name_may_be_written_in_any_case() -> None:
    assert load_data("Digits").digest == load_data("digits").digest


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            "digist",
            "There is no data set named 'digist'; did you mean 'digits'. Choose one of: .*will do as well",
        ),
        ("CIFAR1O", "There is no data set named 'CIFAR1O'; did you mean 'CIFAR10'?"),
        ("xyz", "There is no data set named 'xyz'; choose one of: CIFAR10, .*, digits. A folder, .zip, "),
        ("nowhere/images", "There is no file or folder nowhere/images; check the path."),
        ("images.tar.gz", "There is no file or folder images.tar.gz; check the path."),
        ("images.npz", "There is no file or folder images.npz; check the path."),
    ],
)
def test_unknown_references_get_a_sentence(reference: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(reference)


def test_a_file_of_another_kind_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("1,2")
    with pytest.raises(
        DataError, match=r"data.csv is in no known format; expected a folder, .zip, .*, .txz or .npz"
    ):
        load_data(str(path))


def test_a_folder_is_named_after_the_folder_and_an_archive_without_its_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tree(), tmp_path / "my.zip")
    assert load_data(str(folder)).name == "my.zip"
    monkeypatch.chdir(folder)
    assert load_data(".").name == "my.zip"
    archive = write_tar(tree(), tmp_path / "My Pets.TAR.GZ")
    data = load_data(str(archive))
    assert data.name == "My Pets"
    assert data.source == str(archive)


def test_reading_needs_no_torchvision_until_it_is_asked_for() -> None:
    program = (
        "import sys, landscape.networks.datasets as datasets; datasets.load_data('digits'); "
        "assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("reference", ["Digits:noise=0.2", "digits:noise=.20/0"])
def test_modifiers_stand_behind_a_name(reference: str) -> None:
    plain, noisy = load_data("digits"), load_data(reference)
    assert int((plain.train.targets != noisy.train.targets).sum()) == 287  # round(0.2 * 1437)
    assert noisy.digest == load_data("digits:noise=0.2").digest != plain.digest
    assert noisy.name == "digits with 20% of the training labels changed"
    assert torch.equal(plain.test.targets, noisy.test.targets)
    assert torch.equal(plain.test.inputs, noisy.test.inputs)
    assert (noisy.mean, noisy.std) == (plain.mean, plain.std)


def test_modifiers_stand_behind_a_path_and_an_archive(tmp_path: Path) -> None:
    images = tree()
    folder, archive = write_folder(images, tmp_path / "pets"), write_tar(images, tmp_path / "pets.tar.gz")
    plain = load_data(str(folder))
    held = load_data(f"{folder}:validation=0.4")
    assert held.name == "pets, 40% held out for validation"
    assert (len(held.train) + len(held.test), held.mean) == (len(plain.train), plain.mean)
    assert held.digest == load_data(f"{archive}:validation=0.4").digest


def test_a_folder_whose_name_looks_like_a_modifier_is_a_folder(tmp_path: Path) -> None:
    folder = write_folder(tree(), tmp_path / "pets:noise=0.5")
    write_folder(tree(), tmp_path / "pets")
    plain = load_data(str(folder))
    assert plain.name == "pets:noise=0.5"
    assert plain.digest == load_data(str(tmp_path / "pets")).digest
    assert load_data(f"{folder}:noise=0.5").name == "pets:noise=0.5 with 50% of the training labels changed"


def test_a_bad_modifier_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no modifier of data named 'nosie'; did you mean 'noise'"):
        load_data(f"{tmp_path}/gone.npz:nosie=0.2")
    with pytest.raises(DataError, match=r"There is no file or folder .*gone.npz; check the path."):
        load_data(f"{tmp_path}/gone.npz:noise=0.2")
