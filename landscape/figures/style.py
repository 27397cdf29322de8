"""How to draw: one frozen description, the same for the screen and for print."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from landscape.core.errors import RequestError, unknown_name
from landscape.core.requests import MEASURES, SPLITS, Measure, Split

View = Literal["contour", "surface"]
Scale = Literal["auto", "log", "linear"]
Colors = Literal["viridis", "cividis", "magma", "published"]
# The names of landscape.core.results, which brings xarray: the command line's help does without.
Quality = Literal["error", "nll", "ece", "brier"]
Order = Literal["last", "first"]
Variant = Literal["per class", "flattened", "per example"]
Matrix = Literal["correlation", "disagreement"]
Pairs = Literal["within", "all"]
Ranges = Literal["shared", "own"]

VIEWS: tuple[View, ...] = get_args(View)
SCALES: tuple[Scale, ...] = get_args(Scale)
COLORS: tuple[Colors, ...] = get_args(Colors)
QUALITIES: tuple[Quality, ...] = get_args(Quality)
ORDERS: tuple[Order, ...] = get_args(Order)
VARIANTS: tuple[Variant, ...] = get_args(Variant)
MATRICES: tuple[Matrix, ...] = get_args(Matrix)
PAIRS: tuple[Pairs, ...] = get_args(Pairs)
RANGES: tuple[Ranges, ...] = get_args(Ranges)


@dataclass(frozen=True, kw_only=True)
class FigureStyle:
    """What to draw of a result, and how. Nothing here changes a number of the result.

    Attributes:
        measure: The measure on the colour, height or vertical axis of a line, a plane or a fan; if nobody chooses, a
            fan shows the error (Huang et al. 2017, figure 5).
        split: The split that is shown; a line always shows both, and states the barrier of this one. If nobody
            chooses, fans, ensembles and diversity show the test split.
        view: `contour` is the map, `surface` the three-dimensional view of a plane; other results have one view.
        scale: `log` or `linear`; `auto` is `log` for a plane's nll and loss and `linear` for error (a percentage
            that can be exactly 0) and for every line (a barrier is a difference, which only a linear axis shows) and
            everything else.
        clip: Highest value drawn as itself, in the unit of the measure (nats, or a fraction for error); everything
            above shares the open top bin. None draws the whole range.
        floor: Lowest value with a colour of its own; with `clip` it fixes the range, so that figures can share it.
            None starts at the lowest value there is.
        quality: How good predictions are, on the vertical axis of an ensemble.
        order: Which members an ensemble of m has: the `last` m (Huang et al. 2017), or the `first` m.
        matrix: What a diversity figure shows of each pair of checkpoints.
        variant: How softmax outputs are correlated.
        pairs: `within` groups, one matrix beside the other; or `all` pairs in one matrix.
        ranges: `shared` gives all panels of a fan one vertical range, so that they can be compared; `own` gives each
            its own, as in Huang et al. (2017, figure 5).
        columns: Number of panels beside each other; None chooses by their number and the width.
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
    quality: Quality = "error"
    order: Order = "last"
    matrix: Matrix = "correlation"
    variant: Variant = "per class"
    pairs: Pairs = "within"
    ranges: Ranges = "shared"
    columns: int | None = None
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
            ("quality", self.quality, QUALITIES),
            ("order", self.order, ORDERS),
            ("matrix", self.matrix, MATRICES),
            ("variant", self.variant, VARIANTS),
            ("choice of pairs", self.pairs, PAIRS),
            ("choice of ranges", self.ranges, RANGES),
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
        if self.columns is not None and self.columns < 1:
            raise RequestError(
                f"The number of columns is {self.columns}; give a whole number of at least 1, or leave it out."
            )
        if not 1 <= self.width <= 50:
            raise RequestError(f"The width is {self.width} inches; give a number between 1 and 50.")


# What the papers draw, where it is not the loss on the training split.
_USUAL: dict[str, dict[str, Any]] = {
    "fan": {"measure": "error", "split": "test"},
    "ensemble": {"split": "test"},
    "diversity": {"split": "test"},
}


def usual_style(study: str, **chosen: Any) -> FigureStyle:
    """The style of a study's figure where nobody has chosen one.

    Args:
        study: Its name.
        chosen: Fields that somebody did choose.

    Raises:
        RequestError: A chosen field has a value that cannot be drawn.
    """
    return FigureStyle(**{**_USUAL.get(study, {}), **chosen})
