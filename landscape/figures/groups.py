"""Groups of checkpoints and the panels they stand in."""

import math
from dataclasses import dataclass

import xarray as xr

from landscape.figures.marks import shorten
from landscape.figures.theme import GROUP_COLORS, GROUP_DASHES, GROUP_SYMBOLS, GROUP_SYMBOLS_PRINT

# Panels beside each other for so many panels, where there is room for four.
_BESIDE = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4, 9: 3}
# Inches that a panel needs in print. Ours: chosen by eye.
_PANEL_WIDTH = 2.1


@dataclass(frozen=True)
class Group:
    """Checkpoints that belong together, most often the snapshots of one run.

    Attributes:
        place: Its place among the groups.
        name: As its owner wrote it, "" for the only one; not escaped.
        members: Places of its checkpoints in the result, in the order of training.
        labels: Their labels; not escaped.
    """

    place: int
    name: str
    members: tuple[int, ...]
    labels: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name on one line; not escaped."""
        return shorten(self.name)


def groups_of(result: xr.Dataset) -> tuple[Group, ...]:
    """The groups of a result, in their order."""
    names = [str(name) for name in result["checkpoint_group"].values]
    labels = [str(label) for label in result["checkpoint"].values]
    found = []
    for place, name in enumerate(dict.fromkeys(names)):
        members = tuple(index for index, each in enumerate(names) if each == name)
        found.append(Group(place, name, members, tuple(labels[index] for index in members)))
    return tuple(found)


@dataclass(frozen=True)
class Look:
    """How one group, or one run, is told from the others: colour, shape and dash together."""

    color: str
    symbol: str
    print_symbol: str
    dash: str


def look_of(place: int, *, dark: bool) -> Look:
    """The look of the group at a place."""
    colors = GROUP_COLORS[dark]
    shape = place % len(GROUP_SYMBOLS)
    return Look(
        colors[place % len(colors)],
        GROUP_SYMBOLS[shape],
        GROUP_SYMBOLS_PRINT[shape],
        GROUP_DASHES[place // len(colors) % len(GROUP_DASHES)],
    )


@dataclass(frozen=True)
class Grid:
    """Panels in rows and columns, filled row by row.

    Attributes:
        count: Number of panels.
        columns: Number of panels beside each other.
    """

    count: int
    columns: int

    @property
    def rows(self) -> int:
        """Number of rows; the last may be short."""
        return math.ceil(self.count / self.columns)

    def at(self, panel: int) -> tuple[int, int]:
        """Row and column of a panel, from 0."""
        return divmod(panel, self.columns)

    def is_lowest(self, panel: int) -> bool:
        """Whether no panel stands under this one."""
        return panel + self.columns >= self.count


def grid_of(count: int, columns: int | None, *, width: float | None = None) -> Grid:
    """Rows and columns for so many panels.

    Args:
        count: Number of panels, at least 1.
        columns: As many beside each other, or None to choose.
        width: Width of a printed figure in inches; None on the screen.
    """
    if columns is None:
        columns = _BESIDE.get(count, 4)
        if width is not None:
            columns = min(columns, max(1, int(width / _PANEL_WIDTH)))
    columns = min(columns, count)
    return Grid(count, columns)


def spread_labels(places: list[float], *, least: float, low: float, high: float) -> list[float]:
    """Places for labels that do not overlap, as near to where they belong as can be.

    The sum of squared shifts is as small as the gaps allow (isotonic regression), within the limits if there is room.

    Args:
        places: Where each label belongs; NaN for one that is not drawn.
        least: Least distance of two labels.
        low: Lowest place.
        high: Highest place.

    >>> spread_labels([5.0, 1.0, 5.0], least=2.0, low=0.0, high=10.0)
    [4.0, 1.0, 6.0]
    """
    order = sorted(
        (i for i, place in enumerate(places) if not math.isnan(place)), key=lambda i: (places[i], i)
    )
    blocks: list[tuple[float, int]] = []  # mean of places without their gaps, number of labels
    for rank, index in enumerate(order):
        mean, size = places[index] - rank * least, 1
        while blocks and blocks[-1][0] >= mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    ceiling = max(low, high - (len(order) - 1) * least)
    spread = [min(max(mean, low), ceiling) for mean, size in blocks for _ in range(size)]
    found = [math.nan] * len(places)
    for rank, index in enumerate(order):
        found[index] = spread[rank] + rank * least
    return found
