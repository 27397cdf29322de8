"""A working folder and an example folder of the test's own; no runner is started behind a page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from landscape.service.jobs import Jobs

PAGE = """
from landscape.ui.pages.{name} import page
page()
"""


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    monkeypatch.setenv("LANDSCAPE_PRETRAINED", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Jobs, "ensure_runner", lambda _: None)


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    def open_one(name: str, **query: str) -> AppTest:
        test = AppTest.from_string(PAGE.format(name=name), default_timeout=30)
        for parameter, value in query.items():
            test.query_params[parameter] = value
        return test.run()

    return open_one
