"""How to draw: one frozen description, the same for the screen and for print."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from landscape.core.errors import RequestError, unknown_name
from landscape.core.requests import MEASURES, SPLITS, Measure, Split

View = Literal["contour", "surface"]
Scale = Literal["auto", "log", "linear"]
Colors = Literal["viridis", "cividis", "magma", "published"]

VIEWS: tuple[View, ...] = get_args(View)
SCALES: tuple[Scale, ...] = get_args(Scale)
COLORS: tuple[Colors, ...] = get_args(Colors)


@dataclass(frozen=True, kw_only=True)
class FigureStyle:
    """What to draw of a result, and how. Nothing here changes a number of the result.

    Attributes:
        measure: The measure on the colour, height or vertical axis.
        split: The split that a plane shows, and whose barrier a line states; a line always shows both.
        view: `contour` is the map, `surface` the three-dimensional view; a line has one view only.
        scale: `log` or `linear`; `auto` is `log` for a plane's nll and loss and `linear` for error (a percentage
            that can be exactly 0) and for every line (a barrier is a difference, which only a linear axis shows).
        clip: Highest value drawn as itself, in the unit of the measure (nats, or a fraction for error); everything
            above shares the open top bin. None draws the whole range.
        floor: Lowest value with a colour of its own; with `clip` it fixes the range, so that figures can share it.
            None starts at the lowest value there is.
        dark: Dark background.
        colors: The colour scale; `published` is the look of Garipov et al. (2018): logarithmic levels, jet reversed.
        title: The line above the figure; None takes the result's own, "" leaves it out.
        width: Width in print, in inches; the height follows.
    """

    measure: Measure = "loss"
    split: Split = "train"
    view: View = "contour"
    scale: Scale = "auto"
    clip: float | None = None
    floor: float | None = None
    dark: bool = False
    colors: Colors = "viridis"
    title: str | None = None
    width: float = 6.75

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for kind, value, known in (
            ("measure", self.measure, MEASURES),
            ("split", self.split, SPLITS),
            ("view", self.view, VIEWS),
            ("scale", self.scale, SCALES),
            ("colour scale", self.colors, COLORS),
        ):
            if value not in known:
                raise RequestError(unknown_name(kind, value, known))
        for kind, limit in (("clip", self.clip), ("floor", self.floor)):
            if limit is not None and not (limit > 0 and math.isfinite(limit)):
                raise RequestError(
                    f"The {kind} is {limit}; give a positive number, or leave it out for none."
                )
        if self.clip is not None and self.floor is not None and self.floor >= self.clip:
            raise RequestError(
                f"The floor {self.floor:g} is not below the clip {self.clip:g}; give a smaller floor."
            )
        if not 1 <= self.width <= 50:
            raise RequestError(f"The width is {self.width} inches; give a number between 1 and 50.")
