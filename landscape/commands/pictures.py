"""A figure with everything that a report says and shows of it."""

import base64
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from landscape.figures.style import FigureStyle, usual_style

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr

    from landscape.figures.print_frame import PrintFormat
    from landscape.training.runs import Run

Theme = Literal["light", "dark"]
Shape = Literal["square", "flat", "tall", "map"]
THEMES: tuple[Theme, ...] = ("light", "dark")
FILE_FORMATS: "tuple[PrintFormat, ...]" = ("png", "svg", "pdf")

_TRAINING_CAPTION = (
    "Horizontal axis: optimiser steps. Vertical axes: the learning rate of each step; the mean cross-entropy in nats "
    "per example, without weight decay, on a logarithmic scale; the accuracy in percent. Curves are the training "
    "batches in training mode, averaged over neighbouring steps where the legend says so. Marks are whole splits in "
    "evaluation mode at each checkpoint, and dotted lines show where the checkpoints lie."
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure of a report.

    Attributes:
        name: Name of its files, and its place in the page.
        heading: A few words.
        finding: One sentence that says what is to be seen.
        caption: What the axes are, and under which conditions the numbers hold.
        alt: For people who do not see it.
        live: The plotly figure as JSON, by theme.
        posters: The printed figure as a data URL, by theme: for print, and until the live figure stands.
        files: The figure's files, relative to the report.
        shape: How much room it takes: a surface is square, a line is flat, a training has three panels, and a map is
            drawn to scale.
        aspect: Height of a map by its width.
    """

    name: str
    heading: str
    finding: str
    caption: str
    alt: str
    live: dict[Theme, str]
    posters: dict[Theme, str]
    files: tuple[str, ...]
    shape: Shape
    aspect: float = 1.0


def picture_of_result(
    result: "xr.Dataset",
    out: Path,
    *,
    name: str,
    heading: str,
    finding: str,
    style: FigureStyle | None = None,
) -> Picture:
    """Draw a line or plane result into `out/figures`.

    Raises:
        StoreError: A file cannot be written.
    """
    from landscape.figures import alt_text, caption, draw, save_figure, to_bytes

    style = style or usual_style(result.attrs["study"])
    files = tuple(f"figures/{name}.{suffix}" for suffix in FILE_FORMATS)
    for file in files:
        save_figure(result, out / file, style)
    bare = replace(style, title="")
    return Picture(
        name=name,
        heading=heading,
        finding=finding,
        caption=caption(result, style),
        alt=alt_text(result, style),
        live={theme: _live(draw(result, replace(bare, dark=theme == "dark"))) for theme in THEMES},
        posters={
            theme: _data_url(to_bytes(result, "webp", replace(bare, dark=theme == "dark")))
            for theme in THEMES
        },
        files=files,
        shape=_shape(result, style),
        aspect=_aspect(result),
    )


def picture_of_training(run: "Run", out: Path, *, name: str, heading: str) -> Picture:
    """Draw the history of a run into `out/figures`.

    Raises:
        StoreError: A file cannot be written.
    """
    from landscape.core.files import write_bytes_atomically
    from landscape.figures import draw_training

    history = run.history
    first, last = history["checkpoint_test_accuracy"][[0, -1]]
    steps = int(history["step"][-1])
    finding = f"Test accuracy goes from {first:.1%} at the start to {last:.1%} after {steps:,} steps."
    files = tuple(f"figures/{name}.{suffix}" for suffix in FILE_FORMATS)
    for file, suffix in zip(files, FILE_FORMATS, strict=True):
        write_bytes_atomically(out / file, _training_print(run, suffix, heading, finding))
    return Picture(
        name=name,
        heading=heading,
        finding=finding,
        caption=_TRAINING_CAPTION,
        alt=f"Learning rate, cross-entropy and accuracy over the steps of the {run.request.recipe} run. {finding}",
        live={theme: _live(draw_training(history, FigureStyle(dark=theme == "dark"))) for theme in THEMES},
        posters={theme: _data_url(_training_print(run, "webp", heading, finding, theme)) for theme in THEMES},
        files=files,
        shape="tall",
    )


def _training_print(
    run: "Run", suffix: "PrintFormat", heading: str, finding: str, theme: Theme = "light"
) -> bytes:
    from landscape.figures import draw_training_print
    from landscape.figures.export import POSTER_WIDTH
    from landscape.figures.print_frame import render

    dark, is_poster = theme == "dark", suffix == "webp"
    style = FigureStyle(dark=dark, width=POSTER_WIDTH) if is_poster else FigureStyle(dark=dark)
    figure = draw_training_print(run.history, style, title="" if is_poster else heading)
    return render(figure, suffix, dark=dark, title=heading, description=finding)


def _shape(result: "xr.Dataset", style: FigureStyle) -> Shape:
    match result.attrs["study"]:
        case "plane":
            return "map" if style.view == "contour" else "square"
        case "diversity" | "search":
            return "tall"
        case _:
            return "flat"


def _aspect(result: "xr.Dataset") -> float:
    if result.attrs["study"] != "plane":
        return 1.0
    width, height = (float(result[axis].max() - result[axis].min()) for axis in ("alpha", "beta"))
    return height / width


def _live(figure: "go.Figure") -> str:
    # Heading and caption stand beside the figure in the page, where they wrap on a narrow screen.
    figure.update_layout(title=None, height=None, autosize=True, margin={"t": 16, "r": 16, "l": 56})
    return str(figure.to_json())


def _data_url(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"
