"""What every matplotlib figure shares: settings, fonts, size, title, legend. No pyplot, no global state."""

import io
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from landscape.figures.marks import Mark, escape_print
from landscape.figures.theme import GRID, INK, MARK_FILL, MARK_LINE, PAPER, SYMBOLS_PRINT

PrintFormat = Literal["pdf", "svg", "png", "webp"]

# 300 for paper; the poster is seen on screens, and must be light.
RESOLUTION: dict[PrintFormat, int] = {"pdf": 300, "svg": 300, "png": 300, "webp": 150}

_SETTINGS = {
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
_TITLE_SIZE, _SMALL_SIZE = 11, 7  # points; at these sizes some 10 and 17 characters fill an inch
_EDGE = 0.06  # inches of paper round the texts

# rc_context changes settings that all threads share; two at once would restore each other's.
_LOCK = threading.RLock()


@contextmanager
def print_settings(*, dark: bool) -> Iterator[None]:
    """Our settings inside, the caller's before and after."""
    ink = INK[dark]
    colors = {
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


def new_figure(heading: str, below: str, *, width: float, height: float) -> Figure:
    """An empty figure, in inches, with a title and small print under it; both are escaped and wrapped here."""
    figure = Figure(figsize=(width, height))
    top = height - _EDGE
    for text, size, per_inch in ((heading, _TITLE_SIZE, 10.5), (below, _SMALL_SIZE, 17.0)):
        for line in textwrap.wrap(text, width=max(20, int(width * per_inch))):
            place = (_EDGE / width, top / height)
            figure.text(*place, escape_print(line), ha="left", va="top", fontsize=size)
            top -= 1.45 * size / 72
    # The rest of the figure, below the two texts, is laid out so that nothing overlaps.
    engine = ConstrainedLayoutEngine(rect=(0, 0, 1, top / height))
    figure.set_layout_engine(engine)
    return figure


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


def add_legend(figure: Figure, handles: list[Artist], *, width: float) -> None:
    """One legend under the figure, in as many columns as the labels allow."""
    labels = [str(handle.get_label()) for handle in handles]
    longest = max(map(len, labels), default=1)
    columns = max(1, min(len(labels), int(width * 14 / (longest + 6))))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8)


def render(figure: Figure, suffix: PrintFormat, *, dark: bool, title: str, description: str) -> bytes:
    """The figure as a file of that format; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    metadata = {
        "pdf": {"Title": title, "Subject": description, "CreationDate": None, "Producer": "landscape"},
        "svg": {"Title": title, "Description": description, "Date": None},
        "png": {"Title": title, "Description": description},
        "webp": None,
    }[suffix]
    options = {"pil_kwargs": {"quality": 86, "method": 6}} if suffix == "webp" else {}
    with print_settings(dark=dark):
        figure.savefig(buffer, format=suffix, dpi=RESOLUTION[suffix], metadata=metadata, **options)
    return buffer.getvalue()
