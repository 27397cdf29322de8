"""The checkpoints of a result as marks on a figure: a letter, a shape, a label, a place, its values."""

import html
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, Measure, Split
from landscape.figures.theme import LETTERS, LONGEST_LABEL, format_value

# What the pointer reads: short, since the axes have the units.
HOVER_NAMES: dict[Measure, str] = {"nll": "cross-entropy", "loss": "loss", "error": "error"}


@dataclass(frozen=True)
class Mark:
    """One checkpoint.

    Attributes:
        letter: A, B, C, ... in the order of the request.
        label: Its name as its owner wrote it; not escaped.
        x: t on a line, alpha on a plane.
        y: beta on a plane, 0 on a line.
        own: The checkpoint evaluated by itself, by measure.
        rebuilt: The same place reached through the study's arithmetic, by measure.
    """

    letter: str
    label: str
    x: float
    y: float
    own: Mapping[Measure, float]
    rebuilt: Mapping[Measure, float]

    @property
    def name(self) -> str:
        """Letter and label, for a legend; not escaped."""
        label = shorten(self.label)
        return self.letter if label == self.letter else f"{self.letter}: {label}"

    def value(self, measure: Measure) -> float:
        """The value on the figure: the rebuilt one, or the checkpoint's own as long as that is missing."""
        return self.own[measure] if np.isnan(self.rebuilt[measure]) else self.rebuilt[measure]


def marks_of(result: xr.Dataset, split: Split) -> tuple[Mark, ...]:
    """The marks of a result, with the values of one split."""
    chosen = result.sel(split=split)
    on_line = result.attrs["study"] == "line"
    marks = []
    for index, label in enumerate(result["checkpoint"].values):
        here = chosen.isel(checkpoint=index)
        marks.append(
            Mark(
                letter=LETTERS[index % len(LETTERS)],
                label=str(label),
                x=float(here["checkpoint_t" if on_line else "checkpoint_alpha"]),
                y=0.0 if on_line else float(here["checkpoint_beta"]),
                own={measure: float(here[f"own_{measure}"]) for measure in MEASURES},
                rebuilt={measure: float(here[f"rebuilt_{measure}"]) for measure in MEASURES},
            )
        )
    return tuple(marks)


def nearest_mark(marks: tuple[Mark, ...], x: float, y: float = 0.0) -> tuple[Mark, float]:
    """The mark nearest to a place, and its distance in the unit of the coordinates."""
    distances = [float(np.hypot(mark.x - x, mark.y - y)) for mark in marks]
    nearest = int(np.argmin(distances))
    return marks[nearest], distances[nearest]


def mark_hover(mark: Mark) -> str:
    """What the pointer reads on a mark, in plotly's markup."""
    lines = [f"<b>{escape(mark.name)}</b>"]
    for measure in MEASURES:
        lines.append(f"{HOVER_NAMES[measure]} {format_value(mark.value(measure), measure)}")
    own, rebuilt = mark.own["nll"], mark.rebuilt["nll"]
    if abs(own - rebuilt) > 1e-3 * max(abs(own), 1e-3):
        lines.append(f"evaluated by itself: {HOVER_NAMES['nll']} {format_value(own, 'nll')}")
    return "<br>".join(lines)


def shorten(text: str) -> str:
    """User text on one line of at most LONGEST_LABEL characters."""
    return cut(" ".join(text.split()), LONGEST_LABEL)


def cut(text: str, longest: int) -> str:
    """A text of at most that many characters, the last one an ellipsis where some are left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def escape(text: str) -> str:
    """User text for plotly, which reads <b>, <br>, <a href>, &-entities and $TeX$ in every string."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def escape_print(text: str) -> str:
    """User text for matplotlib, which reads mathematics between dollar signs."""
    return text.replace("$", r"\$")
