import socket
import sys

import pytest

from landscape.core.errors import RequestError, StoreError
from landscape.service import launch
from landscape.service.home import Home
from landscape.service.launch import ADDRESS, command, find_port


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind((ADDRESS, 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_port_that_is_taken_is_named(taken):
    with pytest.raises(RequestError, match=rf"Port {taken} is used by another program .* choose another one"):
        find_port(taken)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(RequestError, match="give a number from 1 to 65535"):
        find_port(port)


def test_without_a_wish_the_next_free_port_is_taken(taken, monkeypatch):
    monkeypatch.setattr(launch, "FIRST_PORT", taken)
    assert taken < find_port(None) < taken + 50


def test_the_server_is_told_to_listen_here_only():
    line = command(8765)
    assert line[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert line[4].endswith("app.py")
    assert "--server.address=127.0.0.1" in line
    assert "--server.port=8765" in line
    assert "--browser.gatherUsageStats=false" in line
    assert [flag for flag in line if "allowedHosts" in flag] == [
        "--server.allowedHosts=localhost",
        "--server.allowedHosts=127.0.0.1",
    ]


def test_without_the_app_beside_the_package_the_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "__file__", str(tmp_path / "landscape" / "service" / "launch.py"))
    with pytest.raises(
        RequestError, match=r"app.py is not there; start it from a copy of the whole repository"
    ):
        command(8501)


def test_the_server_runs_with_the_home_and_its_status_is_returned(home, monkeypatch):
    seen = {}

    class Server:
        def __init__(self, line, env):
            seen.update(line=line, env=env)

        def poll(self):
            return 7

        def wait(self):
            return 7

    monkeypatch.setattr(launch.subprocess, "Popen", Server)
    assert launch.launch(open_browser=True, home=home) == 7
    assert seen["env"]["LANDSCAPE_HOME"] == str(home.path)
    assert seen["env"]["PYTHONSAFEPATH"] == "1"


def test_a_home_that_cannot_be_used_is_said_before_anything_listens(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(launch.subprocess, "Popen", None)
    with pytest.raises(StoreError, match=r"cannot be written .*; choose a folder that you may write to"):
        launch.launch(home=Home(tmp_path / "file"))
