"""The export menu: every format of a figure, rendered only when it is asked for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

import streamlit as st

from landscape.figures import FigureStyle, to_bytes
from landscape.figures.formats import MEDIA_TYPES, Format
from landscape.ui.pictures import read_result

_LABELS: dict[Format, str] = {
    "png": "PNG",
    "svg": "SVG",
    "pdf": "PDF",
    "html": "HTML",
    "csv": "CSV",
    "nc": "NetCDF",
}
_rendering = Lock()  # downloads are rendered in threads of their own, and matplotlib is not made for many


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
        for index, (kind, label) in enumerate(_LABELS.items()):
            columns[index % 3].download_button(
                label,
                data=render(path, printed, kind),
                file_name=f"{name}.{kind}",
                mime=MEDIA_TYPES[kind],
                key=f"export_{kind}",
                on_click="ignore",
                width="stretch",
            )
        st.caption(
            "PDF and SVG are vectors for print. HTML is a page of its own that turns and zooms without a network. "
            "CSV and NetCDF hold the numbers; NetCDF also holds the recipe."
        )


def render(path: Path, style: FigureStyle, kind: Format) -> Callable[[], bytes]:
    """A function that renders a result's file in a format; it runs when the reader asks for the download."""

    def call() -> bytes:
        with _rendering:
            return to_bytes(read_result(path), kind, style)

    return call
