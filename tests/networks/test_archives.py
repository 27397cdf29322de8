import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from landscape.core.errors import DataError
from landscape.networks import archives
from landscape.networks.archives import iterate_files
from landscape.networks.datasets import load_data
from tests.networks.trees import tree, write_folder, write_tar, write_zip

FORMS = {"x.zip": write_zip, "x.tar": write_tar, "x.tar.gz": write_tar, "x.tar.xz": write_tar}


def read(path: Path) -> dict[str, bytes]:
    return {str(inside): content for inside, content in iterate_files(path, lambda _: True)}


@pytest.mark.parametrize("name", FORMS)
def test_archives_come_back_exactly_and_leave_nothing_behind(tmp_path: Path, name: str) -> None:
    path = FORMS[name](tree(), tmp_path / name)
    assert read(path) == tree()
    assert list(tmp_path.iterdir()) == [path]


def test_only_wanted_files_are_read(tmp_path: Path) -> None:
    path = write_folder(tree(), tmp_path / "x")
    found = [str(inside) for inside, _ in iterate_files(path, lambda inside: "cat" in inside.parts)]
    assert sorted(found) == sorted(name for name in tree() if "/cat/" in name)


@pytest.mark.parametrize("name", FORMS)
def test_a_truncated_archive_gets_a_sentence(tmp_path: Path, name: str) -> None:
    path = FORMS[name](tree(), tmp_path / name)
    content = path.read_bytes()
    # What follows the end mark of a plain tar is padding: each image here has one block, and another for its header.
    end = 2 * 512 * len(tree()) if name == "x.tar" else len(content) - 6
    for cut in {0, 3, 512, len(content) // 3, len(content) // 1024 * 512, end}:
        path.write_bytes(content[:cut])
        with pytest.raises(DataError, match=re.escape(f"{path} is cut short or damaged (")):
            load_data(str(path))


def test_an_archive_of_another_kind_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(b"<html>404 not found</html>" * 50)
    with pytest.raises(DataError, match=r"is cut short or damaged \([\w ]+\); copy or download it again"):
        load_data(str(path))


@pytest.mark.parametrize(
    "inside", ["../../evil.png", "/etc/evil.png", "train/../../evil.png", "C:/evil.png", "..\\evil.png"]
)
@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_paths_that_lead_outside_are_refused(tmp_path: Path, name: str, inside: str) -> None:
    path = FORMS[name]({**tree(), inside: b"x"}, tmp_path / name)
    with pytest.raises(
        DataError, match=r"holds the path .*, which leads outside the archive; pack the folder again"
    ):
        load_data(str(path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("train/ant/0.png")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(DataError, match=r"holds the link 'train/ant/0.png'; pack the files themselves"):
        load_data(str(path))


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("train/ant/0.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match=r"holds the link 'train/ant/0.png'; pack the files themselves"):
        load_data(str(path))


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_huge_members_and_endless_lists_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = FORMS[name]({**tree(), "notes": bytes(3 << 20)}, tmp_path / name)
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(DataError, match=r"notes in .* has 3 MiB; a single image may have 1 MiB"):
        load_data(str(path))
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    with pytest.raises(DataError, match="holds more than 5 files; give a smaller data set"):
        load_data(str(path))


def test_a_member_that_declares_less_than_it_holds_does_not_get_through(tmp_path: Path) -> None:
    path = write_zip({"train/ant/0.png": bytes(100_000)}, tmp_path / "x.zip")
    content = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(DataError, match="is cut short or damaged"):
        read(path)


def test_an_encrypted_zip_gets_a_sentence(tmp_path: Path) -> None:
    path = write_zip(tree(), tmp_path / "x.zip")
    content = bytearray(path.read_bytes())
    # The first bit of the flags, in the local and in the central header of every file.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), bytes(content)):
            content[found.start() + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be unpacked \(.*encrypted.*\); pack it again as a plain"):
        load_data(str(path))


def test_a_file_that_may_not_be_read_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_folder(tree(), tmp_path / "x")

    def refuse(file: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"0.png may not be read; change its permissions or copy it"):
        load_data(str(path))


def test_a_zip_made_elsewhere_may_use_backslashes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train/ant/0.png", b"x")
    path = tmp_path / "x.zip"
    path.write_bytes(buffer.getvalue().replace(b"train/ant/0.png", b"train\\ant\\0.png"))
    assert read(path) == {"train/ant/0.png": b"x"}
