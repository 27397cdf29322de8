"""Results as files: figures, pages, tables, data."""

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import xarray as xr

from landscape.core.errors import RequestError, unknown_name
from landscape.core.files import save_result, write_bytes_atomically
from landscape.core.results import check_result
from landscape.figures.captions import caption
from landscape.figures.captions_training import training_caption
from landscape.figures.formats import FORMATS, Format
from landscape.figures.series import History
from landscape.figures.style import FigureStyle, usual_style
from landscape.figures.texts import title

if TYPE_CHECKING:
    from landscape.figures.print_frame import PrintFormat

POSTER_WIDTH = 8.0  # inches, at 150 dots each: wide enough for the app's first picture


def save_figure(result: xr.Dataset, path: Path | str, style: FigureStyle | None = None) -> None:
    """Write a result in the format that the suffix names: png, svg, pdf, html, csv, nc or webp.

    Raises:
        RequestError: The suffix is not one of these.
        ResultError: The dataset is not a result of ours.
        StoreError: The file cannot be written; nothing is left behind.
    """
    path = Path(path)
    write_bytes_atomically(path, to_bytes(result, path.suffix, style))


def to_bytes(result: xr.Dataset, suffix: str, style: FigureStyle | None = None) -> bytes:
    """The file that `save_figure` would write; no file is left behind.

    Args:
        result: Any result.
        suffix: One of `FORMATS`, with or without a leading dot, in any case.
        style: How to draw; csv and nc hold all numbers whatever it says.

    Raises:
        RequestError: The suffix is not one of the formats.
        ResultError: The dataset is not a result of ours.
    """
    kind = format_of(suffix)
    checked = check_result(result)
    style = style or usual_style(checked.attrs["study"])
    match kind:
        case "png" | "svg" | "pdf" | "webp":
            return _printed(checked, kind, style)
        case "html":
            from landscape.figures.page import page

            return page(checked, style).encode()
        case "csv":
            from landscape.figures.tables import table

            return table(checked).encode()
        case "nc":
            return _netcdf(checked)
        case _:
            assert_never(kind)


def save_training(
    history: History,
    path: Path | str,
    style: FigureStyle | None = None,
    *,
    title: str = "",
    snapshots: Collection[float] | None = None,
    starts: Collection[float] = (),
) -> None:
    """Write a training history as png, svg, pdf or webp.

    Args:
        history: As `Run.history`.
        path: Its suffix names the format.
        style: `dark` and `width` are used.
        title: The line above.
        snapshots: As for `draw_training`.
        starts: As for `draw_training`.

    Raises:
        RequestError: The suffix is not one of these.
        StoreError: The file cannot be written; nothing is left behind.
    """
    from landscape.figures.print_frame import PRINT_FORMATS, render
    from landscape.figures.print_training import draw_training_print

    path, style = Path(path), style or FigureStyle()
    for kind in PRINT_FORMATS:
        if path.suffix.lower() == f".{kind}":
            figure = draw_training_print(history, style, title=title, snapshots=snapshots, starts=starts)
            words = training_caption(history, snapshots=snapshots, starts=starts)
            write_bytes_atomically(
                path, render(figure, kind, dark=style.dark, title=title, description=words)
            )
            return
    raise RequestError(unknown_name("figure format", path.suffix.lower().removeprefix("."), PRINT_FORMATS))


def format_of(suffix: str) -> Format:
    """The format that a suffix names.

    Raises:
        RequestError: There is none.
    """
    name = suffix.lower().removeprefix(".")
    for known in FORMATS:
        if name == known:
            return known
    raise RequestError(unknown_name("figure format", name, FORMATS))


def _printed(result: xr.Dataset, kind: "PrintFormat", style: FigureStyle) -> bytes:
    # Here and not above: a page or a table need not wait for matplotlib.
    from landscape.figures.print_frame import render
    from landscape.figures.print_result import draw_print

    style = replace(style, width=POSTER_WIDTH) if kind == "webp" else style
    figure = draw_print(result, style)
    heading, description = title(result, style), caption(result, style)
    return render(figure, kind, dark=style.dark, title=heading, description=description)


def _netcdf(result: xr.Dataset) -> bytes:
    # h5netcdf can write into memory, but the one way of writing results is save_result.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.nc"
        save_result(result, path)
        return path.read_bytes()
