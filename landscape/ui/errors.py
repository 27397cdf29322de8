"""What the reader sees when something goes wrong: the sentence of an expected error, else a sentence and a number."""

import functools
import logging
import uuid
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import ParamSpec

import streamlit as st

from landscape.core.errors import LandscapeError
from landscape.service.home import Home
from landscape.ui.text import plain

P = ParamSpec("P")
_log = logging.getLogger("landscape.ui")
_LOG_BYTES = 1_000_000  # ours: enough for some hundred tracebacks


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """Let a page or a fragment fail alone: its error is shown in its place, the rest of the app goes on.

    Streamlit's own signals (stop, rerun) are no `Exception` and pass.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:
            show_error(error)

    return call


def show_error(error: Exception) -> bool:
    """Show an error as one sentence; an unexpected one is logged with its traceback under the number shown.

    Returns:
        True, which tells Streamlit that nothing more is to be shown.
    """
    if isinstance(error, LandscapeError):
        st.error(plain(str(error)), icon=":material/error:")
        return True
    number = log_error(error)
    st.error(
        f"Something went wrong here that should not have (error {number}). Nothing computed is lost; reload the page, "
        f"and look into {plain(str(log_file()))} for that number if it comes again.",
        icon=":material/error:",
    )
    return True


def log_error(error: Exception) -> str:
    """Write an error with its traceback to the log; returns the number under which it stands there."""
    number = uuid.uuid4().hex[:8]
    try:
        _logger(log_file()).error("error %s", number, exc_info=error)
    except (OSError, LandscapeError):
        logging.getLogger("landscape").error(
            "error %s", number, exc_info=error
        )  # a full disk must not hide the error
    return number


def log_file() -> Path:
    """Where unexpected errors are written."""
    return Home.default().path / "app.log"


@functools.cache
def _logger(path: Path) -> logging.Logger:
    for handler in list(_log.handlers):
        _log.removeHandler(handler)
        handler.close()
    Home.default().ensure()
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    _log.propagate = False
    return _log
