"""What an ensemble figure draws: one quality over the number of members, for each group."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.measures import epochs_spent
from landscape.figures.groups import Group, groups_of, spread_labels
from landscape.figures.profile import ProfileAxis, curve_axis
from landscape.figures.style import QUALITIES, FigureStyle, Quality
from landscape.figures.theme import format_value

# Shapes: M members of a group

# Members alone, and means of the weights of networks with starts of their own, may lie far above the curves: the axis
# makes room for them up to this share of the curves' height. Ours: chosen by eye.
_ROOM_ABOVE = 0.6
# Direct labels for at most so many groups with names of at most so many characters; else a legend.
MOST_LABELS, LONGEST_NAME = 6, 16

QUALITY_NAMES: dict[Quality, str] = {
    "error": "error",
    "nll": "cross-entropy",
    "ece": "calibration error",
    "brier": "Brier score",
}


@dataclass(frozen=True, eq=False)
class Model:
    """One thing that predicts: an ensemble, a member alone, or the network at the mean of the weights.

    Attributes:
        size: Number of networks it asks, which is the number of forward passes per example.
        values: How good it is, by quality; NaN where it is not known.
        epochs: Epochs spent in training all of its networks; NaN where that is not known.
        name: What it is; not escaped.
    """

    size: int
    values: dict[Quality, float]
    epochs: float
    name: str


@dataclass(frozen=True, eq=False)
class Curve:
    """One group.

    Attributes:
        group: Its name and members.
        ensembles: By size, from 1.
        members: Each alone, in the order in which they join the ensembles.
        average: The network at the mean of the weights; None where there is none.
    """

    group: Group
    ensembles: tuple[Model, ...]
    members: tuple[Model, ...]
    average: Model | None


@dataclass(frozen=True, eq=False)
class EnsemblePicture:
    """Everything that is drawn.

    Attributes:
        curves: One per group.
        quality: What is drawn.
        axis: The vertical axis.
        largest: The largest number of members.
        labelled: Whether the curves carry their names; else a legend does.
    """

    curves: tuple[Curve, ...]
    quality: Quality
    axis: ProfileAxis
    largest: int
    labelled: bool

    def height(self, model: Model) -> float:
        """Position of a model on the axis; NaN where it is not known, at the top where it lies above."""
        value = model.values[self.quality]
        if np.isnan(value):
            return float("nan")
        return float(self.axis.position(np.array([min(value, self.axis.high)]))[0])

    @property
    def average_place(self) -> float:
        """Where the averages of weights stand: left of the ensemble of one, since they too are one network."""
        return 1 - max(1.0, 0.25 * self.largest)

    def average_places(self) -> list[float]:
        """One place beside the other for each group, since averages are often alike."""
        count = len(self.curves)
        step = 0.6 * (1 - self.average_place) / max(count, 5)
        return [self.average_place + step * (index - (count - 1) / 2) for index in range(count)]

    @property
    def has_averages(self) -> bool:
        """Whether any group has the network at the mean of its weights."""
        return any(curve.average is not None for curve in self.curves)

    @property
    def size_ticks(self) -> list[int]:
        """Sizes that are written under the axis."""
        return [size for size in range(1, self.largest + 1) if (size - 1) % -(-self.largest // 12) == 0]

    def label_heights(self, *, share: float) -> list[tuple[float, float]]:
        """Where each curve ends and where its name stands, as positions on the axis; NaN for one without values.

        Args:
            share: Least distance of two names, as a fraction of the axis.
        """
        low, high = self.axis.limits
        least = share * (high - low)
        ends = [self.height(curve.ensembles[-1]) for curve in self.curves]
        spread = spread_labels(ends, least=least, low=low + least / 2, high=high - least / 2)
        return list(zip(ends, spread, strict=True))

    def is_above(self, model: Model) -> bool:
        """Whether a model lies above the axis, or diverged."""
        return bool(model.values[self.quality] > self.axis.high)


def ensemble_picture(result: xr.Dataset, style: FigureStyle) -> EnsemblePicture:
    """What is drawn of a result on the split, in the quality and in the order of the style."""
    chosen = result.sel(split=style.split, order=style.order)
    groups = groups_of(result)
    curves = tuple(_curve(chosen, group, style) for group in groups)
    names_fit = max(len(group.title) for group in groups) <= LONGEST_NAME
    return EnsemblePicture(
        curves,
        style.quality,
        _axis(curves, style),
        int(result["size"].values[-1]),
        labelled=len(groups) <= MOST_LABELS and names_fit and any(group.title for group in groups),
    )


def size_title(style: FigureStyle) -> str:
    """The title of the horizontal axis."""
    return f"ensemble size m ({style.order} m networks)"


def model_lines(model: Model) -> list[str]:
    """What the pointer reads of a model: all qualities and what it costs."""
    lines = [f"{QUALITY_NAMES[name]} {format_value(model.values[name], name)}" for name in QUALITIES]
    cost = f"{model.size} forward pass{'' if model.size == 1 else 'es'} per example"
    if np.isnan(model.epochs):
        return [*lines, cost]
    return [*lines, f"{model.epochs:.4g} epochs of training", cost]


def _curve(chosen: xr.Dataset, group: Group, style: FigureStyle) -> Curve:
    at = list(group.members)
    # As they join: the last first where an ensemble of m has the last m.
    joining = at[::-1] if style.order == "last" else at
    ensembles = []
    for size in range(1, len(at) + 1):
        values: dict[Quality, float] = {
            name: float(chosen[name].isel(group=group.place, size=size - 1)) for name in QUALITIES
        }
        name = f"{style.order} {size} of {len(at)}" if size > 1 else f"the {style.order} of {len(at)}"
        ensembles.append(Model(size, values, epochs_spent(chosen, joining[:size]), name))
    members = [
        Model(
            1,
            {name: float(chosen[f"member_{name}"].values[place]) for name in QUALITIES},
            epochs_spent(chosen, [place]),
            group.labels[group.members.index(place)],
        )
        for place in joining
    ]
    average: dict[Quality, float] = {
        name: float(chosen[f"average_{name}"].values[group.place]) for name in QUALITIES
    }
    known = not all(np.isnan(value) for value in average.values())
    mean = Model(1, average, epochs_spent(chosen, at), f"mean of the weights of {len(at)}")
    return Curve(group, tuple(ensembles), tuple(members), mean if known else None)


def _axis(curves: tuple[Curve, ...], style: FigureStyle) -> ProfileAxis:
    quality = style.quality
    lines = [model.values[quality] for curve in curves for model in curve.ensembles]
    others = [model.values[quality] for curve in curves for model in curve.members]
    others += [curve.average.values[quality] for curve in curves if curve.average is not None]
    others = np.array(others)
    finite = np.array([value for value in lines if np.isfinite(value)])
    if len(finite):
        span = float(np.ptp(finite)) or 0.1 * float(finite.max())
        others = others[others <= finite.max() + _ROOM_ABOVE * span]
    return curve_axis(np.concatenate([finite, others]), style, measure=quality, from_zero=False)
