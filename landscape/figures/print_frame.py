"""What every matplotlib figure shares: settings, fonts, size, title, legend. No pyplot, no global state."""

import io
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from landscape.figures.marks import Mark, cut, escape_print
from landscape.figures.theme import GRID, INK, MARK_FILL, MARK_LINE, PAPER, SYMBOLS_PRINT

PrintFormat = Literal["pdf", "svg", "png", "webp"]
PRINT_FORMATS: tuple[PrintFormat, ...] = get_args(PrintFormat)

# 300 for paper; the poster is seen on screens, and must be light.
RESOLUTION: dict[PrintFormat, int] = {"pdf": 300, "svg": 300, "png": 300, "webp": 150}

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "font.size": 8.5,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "landscape",  # same result, same bytes
}
_TITLE_SIZE, _SMALL_SIZE = 11, 7  # points; at these sizes some 11 and 19 characters fill an inch
_EDGE, _LEGEND_ROW = 0.06, 0.2  # inches: paper round the texts, height of a row of the legend

# rc_context changes settings that all threads share; two at once would restore each other's.
_LOCK = threading.RLock()


@contextmanager
def print_settings(*, dark: bool) -> Iterator[None]:
    """Our settings inside, the caller's before and after."""
    ink = INK[dark]
    colors: dict[Any, str] = {
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": GRID[dark],
        "figure.facecolor": PAPER[dark],
        "axes.facecolor": PAPER[dark],
        "savefig.facecolor": PAPER[dark],
    }
    with _LOCK, mpl.rc_context({**_SETTINGS, **colors}):
        yield


def new_figure(heading: str, below: str, *, width: float, body: float) -> Figure:
    """An empty figure with a title and small print under it; both are escaped and wrapped here.

    Args:
        heading: The title, "" for none.
        below: The small print, "" for none.
        width: Of the figure, in inches.
        body: Height in inches of what comes under the texts and above the legend.
    """
    figure = Figure()
    head = _EDGE
    for text, size, per_inch in ((heading, _TITLE_SIZE, 11), (below, _SMALL_SIZE, 19)):
        for line in textwrap.wrap(text, width=max(20, int(width * per_inch))):
            # Inches from the upper left corner, whatever height the legend adds.
            corner = figure.transFigure + ScaledTranslation(_EDGE, -head, figure.dpi_scale_trans)
            figure.text(0, 1, escape_print(line), transform=corner, ha="left", va="top", fontsize=size)
            head += 1.45 * size / 72
    _lay_out(figure, width=width, height=head + body, head=head, foot=0.0)
    return figure


def add_legend(figure: Figure, handles: list[Artist]) -> None:
    """One legend under the figure, which grows by its height; in as many columns as the labels allow."""
    if not handles:
        return
    width, height = (float(inches) for inches in figure.get_size_inches())
    labels = [cut(str(handle.get_label()), int(width * 14) - 5) for handle in handles]
    columns = max(1, min(len(labels), int(width * 14 / (max(map(len, labels)) + 7))))
    foot = _LEGEND_ROW * -(-len(labels) // columns) + _EDGE
    bottom = figure.get_layout_engine().get()["rect"]  # type: ignore[union-attr]
    head = height * (1 - bottom[1] - bottom[3])
    _lay_out(figure, width=width, height=height + foot, head=head, foot=foot)
    figure.legend(
        handles, labels, loc="lower center", ncols=columns, fontsize=8, borderaxespad=0.2, markerscale=0.75
    )


def wrapped(text: str, inches: float) -> str:
    """The title of an axis on as many lines as its length on paper asks for."""
    return "\n".join(textwrap.wrap(text, width=max(20, int(inches * 13))))


def _lay_out(figure: Figure, *, width: float, height: float, head: float, foot: float) -> None:
    figure.set_size_inches(width, height)
    rect = (0.0, foot / height, 1.0, (height - head - foot) / height)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=rect))


def draw_marks(axes: Axes, marks: tuple[Mark, ...], places: list[tuple[float, float]]) -> list[Line2D]:
    """White shapes with a dark rim and a letter inside; returns the handles for the legend."""
    handles = []
    for index, (mark, (x, y)) in enumerate(zip(marks, places, strict=True)):
        (handle,) = axes.plot(
            [x],
            [y],
            marker=SYMBOLS_PRINT[index % len(SYMBOLS_PRINT)],
            markersize=11,
            markerfacecolor=MARK_FILL,
            markeredgecolor=MARK_LINE,
            markeredgewidth=1.2,
            linestyle="none",
            clip_on=False,
            zorder=10,
            label=escape_print(mark.name),
        )
        axes.annotate(
            mark.letter, (x, y), ha="center", va="center_baseline", fontsize=7, fontweight="bold",
            color=MARK_LINE, zorder=11,
        )  # fmt: skip
        handles.append(handle)
    return handles


def render(figure: Figure, suffix: PrintFormat, *, dark: bool, title: str, description: str) -> bytes:
    """The figure as a file of that format; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    metadata = {
        "pdf": {"Title": title, "Subject": description, "CreationDate": None, "Producer": "landscape"},
        "svg": {"Title": title, "Description": description, "Date": None},
        "png": {"Title": title, "Description": description},
        "webp": None,
    }[suffix]
    options: dict[str, Any] = {"pil_kwargs": {"quality": 86, "method": 4}} if suffix == "webp" else {}
    with print_settings(dark=dark):
        figure.savefig(buffer, format=suffix, dpi=RESOLUTION[suffix], metadata=metadata, **options)
    return buffer.getvalue()
