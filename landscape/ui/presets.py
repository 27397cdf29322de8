"""Quick, Standard, Paper: how fine and on how many images."""

from dataclasses import dataclass
from typing import Literal

PresetName = Literal["quick", "standard", "paper"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a preset puts into the form.

    Attributes:
        name: As shown.
        words: What it is for.
        points: Points of a line.
        side: Columns and rows of a plane; a power of two plus one, so that coarse grids lie inside finer ones.
        samples: Images of each split; None for all.
    """

    name: str
    words: str
    points: int
    side: int
    samples: int | None


# Ours: a quick look takes seconds on the digits, the paper preset leaves nothing out.
PRESETS: dict[PresetName, Preset] = {
    "quick": Preset(
        name="Quick", words="a first look, on 256 images of each split", points=21, side=17, samples=256
    ),
    "standard": Preset(
        name="Standard", words="fine enough to read, on all images", points=51, side=33, samples=None
    ),
    "paper": Preset(
        name="Paper", words="as fine as in print, on all images", points=101, side=65, samples=None
    ),
}
