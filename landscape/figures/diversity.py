"""What a diversity figure draws: square matrices over pairs of checkpoints, all on one colour range."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.figures.groups import Group, groups_of
from landscape.figures.marks import cut, shorten
from landscape.figures.scales import linear_ticks
from landscape.figures.style import FigureStyle, Matrix
from landscape.figures.theme import (
    COLOR_SCALES,
    DIVERGING,
    Stops,
    at_place,
    format_cell,
    format_round,
    ink_on,
)

# Shapes: N checkpoints of a matrix

# Values stand in the cells of matrices of at most so many checkpoints. Ours: chosen by eye.
MOST_WRITTEN = 12
_LONGEST_TICK = 14
_MOST_TICKS = 5  # on the colour bar
NOT_DEFINED = "x"  # stands in the cell of a pair without a number


@dataclass(frozen=True, eq=False)
class Square:
    """One matrix.

    Attributes:
        title: The group's name, "" for the only one; not escaped.
        places: Places of its checkpoints in the result, (N,).
        names: Their labels; not escaped.
        values: (N, N), rows and columns in the order of the result; NaN where a pair has no number.
        ticks: Positions and texts of the ticks; not escaped.
        borders: Positions of the lines between groups.
    """

    title: str
    places: tuple[int, ...]
    names: tuple[str, ...]
    values: np.ndarray
    ticks: tuple[tuple[float, str], ...]
    borders: tuple[float, ...]

    @property
    def is_written(self) -> bool:
        """Whether values stand in its cells."""
        return len(self.places) <= MOST_WRITTEN

    @property
    def between(self) -> np.ndarray:
        """The values with NaN on the diagonal, where a checkpoint meets itself."""
        return np.where(np.eye(len(self.places), dtype=bool), np.nan, self.values)


@dataclass(frozen=True, eq=False)
class DiversityPicture:
    """Everything that is drawn.

    Attributes:
        squares: One matrix per group, or one of all.
        quantity: What the matrices hold.
        low: Value of the first colour.
        high: Value of the last colour.
        stops: The colour scale.
        digits: Places behind the point of the values in the cells.
    """

    squares: tuple[Square, ...]
    quantity: Matrix
    low: float
    high: float
    stops: Stops
    digits: int

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Values and texts of the ticks of the colour bar."""
        values = linear_ticks(self.low, self.high)
        return [
            (value, format_round(value, self.quantity)) for value in values[:: -(-len(values) // _MOST_TICKS)]
        ]

    def color(self, value: float) -> str:
        """The colour of a finite value."""
        return at_place(self.stops, min(max((value - self.low) / (self.high - self.low), 0.0), 1.0))

    def inks(self, square: Square) -> np.ndarray:
        """The colour of the text in each cell that is coloured, (N, N); "" elsewhere."""
        return np.array(
            [
                [ink_on(self.color(value)) if np.isfinite(value) else "" for value in row]
                for row in square.between
            ],
            dtype=object,
        )

    def cell(self, value: float) -> str:
        """What stands in a cell."""
        return format_cell(value, self.quantity, digits=self.digits)


def diversity_picture(result: xr.Dataset, style: FigureStyle) -> DiversityPicture:
    """What is drawn of a result on the split, for the matrix and the pairs of the style."""
    chosen = result.sel(split=style.split)
    values = (
        chosen["correlation"].sel(variant=style.variant).values
        if style.matrix == "correlation"
        else chosen["disagreement"].values
    )
    groups = groups_of(result)
    squares = (
        (_whole(values, groups),)
        if style.pairs == "all"
        else tuple(_square(values, group) for group in groups)
    )
    between = np.concatenate([square.between.reshape(-1) for square in squares])
    low, high = _range(between[np.isfinite(between)], style)
    signed = low < 0
    return DiversityPicture(
        squares,
        style.matrix,
        low,
        high,
        DIVERGING[style.dark] if signed else COLOR_SCALES[style.colors],
        digits=3 if high - low < 0.02 else 2,
    )


def _range(values: np.ndarray, style: FigureStyle) -> tuple[float, float]:
    """From the lowest to the highest pair; even about 0 where there are both signs."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low < 0:
        reach = max(-low, abs(high)) if style.clip is None else style.clip
        return -reach, reach
    low = low if style.floor is None else style.floor
    high = high if style.clip is None else style.clip
    # A single pair, or pairs that are all alike, keep a range with some room.
    return (low, high) if high > low else (low - 0.05, low + 0.05)


def _square(values: np.ndarray, group: Group) -> Square:
    at = np.array(group.members)
    count = len(at)
    # Numbers in the order of training say more than long labels; the only group has no name to go with them.
    texts = (
        [str(place + 1) for place in range(count)]
        if group.name
        else [cut(shorten(x), _LONGEST_TICK) for x in group.labels]
    )
    every = -(-count // MOST_WRITTEN)
    ticks = tuple((float(place), texts[place]) for place in range(0, count, every))
    return Square(group.title, group.members, group.labels, values[np.ix_(at, at)], ticks, ())


def _whole(values: np.ndarray, groups: tuple[Group, ...]) -> Square:
    if len(groups) == 1:
        return _square(values, groups[0])
    at = np.array([place for group in groups for place in group.members])
    ends = np.cumsum([len(group.members) for group in groups])
    starts = np.concatenate([[0], ends[:-1]])
    ticks = tuple(
        (float((start + end - 1) / 2), cut(group.title, _LONGEST_TICK))
        for group, start, end in zip(groups, starts, ends, strict=True)
    )
    names = tuple(label for group in groups for label in group.labels)
    borders = tuple(float(end) - 0.5 for end in ends[:-1])
    return Square("", tuple(int(place) for place in at), names, values[np.ix_(at, at)], ticks, borders)
