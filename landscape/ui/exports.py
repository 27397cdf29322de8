"""The export menu: every format of a figure, rendered only when it is asked for."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from landscape.figures import FigureStyle, save_figure
from landscape.ui.pictures import read_result

FORMATS: dict[str, tuple[str, str]] = {
    "png": ("PNG", "image/png"),
    "svg": ("SVG", "image/svg+xml"),
    "pdf": ("PDF", "application/pdf"),
    "html": ("HTML", "text/html"),
    "csv": ("CSV", "text/csv"),
    "nc": ("NetCDF", "application/x-netcdf"),
}


def show_exports(path: Path, style: FigureStyle, *, name: str) -> None:
    """A menu that downloads the shown figure, or its numbers.

    Args:
        path: The result's file.
        style: How the figure is drawn on the screen.
        name: Stem of the downloaded file's name.
    """
    # Paper is white, and a figure that leaves the page needs the title that the page has as its heading.
    printed = replace(style, dark=False, title=None)
    with st.popover("Export", icon=":material/download:", key="export_menu"):
        st.caption("The figure as it is set up now.")
        columns = st.columns(3)
        for index, (suffix, (label, mime)) in enumerate(FORMATS.items()):
            columns[index % 3].download_button(
                label,
                data=render(path, printed, suffix),
                file_name=f"{name}.{suffix}",
                mime=mime,
                key=f"export_{suffix}",
                on_click="ignore",
                width="stretch",
            )
        st.caption(
            "PDF and SVG are vectors for print. HTML is a page of its own that turns and zooms without a network. "
            "CSV and NetCDF hold the numbers; NetCDF also holds the recipe."
        )


def render(path: Path, style: FigureStyle, suffix: str) -> Callable[[], bytes]:
    """A function that renders a result's file in a format; it runs when the reader asks for the download."""

    def call() -> bytes:
        if suffix == "nc":
            return path.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / f"figure.{suffix}"
            save_figure(read_result(path), target, style)
            return target.read_bytes()

    return call
