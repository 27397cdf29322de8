"""What every page needs to know: the working folder, its jobs, the address bar."""

import os
from pathlib import Path

import streamlit as st

from landscape.service.home import Home
from landscape.service.jobs import Jobs
from landscape.service.library import CheckpointEntry, list_checkpoints
from landscape.service.pretrained import pretrained_folder


def open_home() -> Home:
    """The working folder, created if it is not there.

    Raises:
        StoreError: It cannot be created.
    """
    return Home.default().ensure()


def open_jobs() -> Jobs:
    """The jobs of the working folder."""
    return Jobs(open_home())


def shipped_folder() -> Path:
    """What comes with the app; LANDSCAPE_PRETRAINED names another folder, e.g. in tests."""
    named = os.environ.get("LANDSCAPE_PRETRAINED")
    return Path(named) if named else pretrained_folder()


def all_checkpoints() -> list[CheckpointEntry]:
    """Every checkpoint that a request can name: the shipped ones, the reader's runs, the uploads."""
    return list_checkpoints(open_home(), extra=shipped_folder())


def place_in_address(name: str) -> tuple[float, float] | None:
    """Two numbers from the address bar, such as `at=8.4,12.7`; None if they are not there or no numbers."""
    try:
        x, y = (float(part) for part in st.query_params.get(name, "").split(","))
    except ValueError:
        return None
    return (x, y) if abs(x) < 1e300 and abs(y) < 1e300 else None  # also refuses nan and inf


def keep_in_address(name: str, value: str | None) -> None:
    """Put a value into the address bar, or take it out; nothing happens if it is there already."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
