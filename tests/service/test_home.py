import stat
import sys
from pathlib import Path

import pytest

from landscape.core.errors import StoreError
from landscape.service.home import Home


def test_the_environment_names_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("LANDSCAPE_HOME", str(tmp_path / "x"))
    assert Home.default() == Home(tmp_path / "x")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ".local/share/landscape"),
        ("darwin", "Library/Application Support/landscape"),
        ("win32", "AppData/Local/landscape"),
    ],
)
def test_default_is_the_data_directory_of_the_platform(monkeypatch, tmp_path, platform, expected):
    monkeypatch.delenv("LANDSCAPE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    assert Home.default().path == tmp_path / expected


def test_xdg_names_the_data_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("LANDSCAPE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Home.default().path == tmp_path / "landscape"


def test_folders_are_for_the_owner_only(home):
    home.ensure().ensure()
    folders = [home.path, *(path for path in home.path.iterdir() if path.is_dir())]
    assert len(folders) == 11
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_a_home_that_cannot_be_created_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written \(Not a directory\); choose a folder"):
        Home(tmp_path / "file" / "home").ensure()


@pytest.mark.parametrize("key", ["../../etc", "", "a/b", "x" * 200, "a\0b", "."])
def test_a_key_from_an_address_cannot_leave_the_folder(home, key):
    with pytest.raises(StoreError, match="is not the key of a result; choose a result from the list"):
        home.result_folder(key)
