import asyncio
import tomllib
from pathlib import Path

import pytest

from landscape.core.errors import LandscapeError
from landscape.service.launch import SETTINGS
from landscape.ui.server import PLOTLY_URL, SCRIPT, check_address, routes

ROOT = Path(__file__).parents[2]


def test_plotly_comes_from_the_installed_package():
    (route,) = routes()
    answer = asyncio.run(route.endpoint(None))
    assert route.path == PLOTLY_URL
    assert answer.media_type == "text/javascript"
    assert "immutable" in answer.headers["cache-control"]
    assert Path(answer.path).read_text(encoding="utf-8").startswith("/**\n* plotly.js v")


def test_no_copy_of_plotly_lies_in_the_package():
    scripts = list((ROOT / "landscape").rglob("*.js"))
    assert "chart.js" in [path.name for path in scripts]
    assert max(path.stat().st_size for path in scripts) < 50_000


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_this_machines_addresses_are_accepted(address):
    check_address(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_an_address_that_others_reach_is_refused(address):
    with pytest.raises(
        LandscapeError, match=r"where other machines reach it; start it with --server.address=127"
    ):
        check_address(address)


def test_flags_and_config_file_agree():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    for name, flag in SETTINGS.items():
        section, option = name.split(".")
        value = config[section][option]
        written = [str(part) for part in value] if isinstance(value, list) else str(value).lower()
        assert written == (flag if isinstance(flag, str) else list(flag)), name


def test_the_app_is_short_and_its_script_is_there():
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40
    assert SCRIPT.is_file()
    assert not (SCRIPT.parent / "pages").exists(), "Streamlit would take such a folder for pages of its own"
