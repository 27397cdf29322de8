"""What a fan figure draws: in each group, the curve from every earlier checkpoint to the last."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.figures.groups import Group, groups_of, spread_labels
from landscape.figures.partial import PATCHY, stride_indices
from landscape.figures.profile import ProfileAxis, curve_axis
from landscape.figures.style import FigureStyle

# Shapes: T points on a line

AXIS_TITLE = "t  (0 = earlier checkpoint, 1 = last one)"


@dataclass(frozen=True, eq=False)
class Curve:
    """The line from one earlier checkpoint to the last of its group.

    Attributes:
        pair: Its place along the axis `pair`.
        number: Place of the earlier checkpoint in its group, from 1.
        label: Label of the earlier checkpoint; not escaped.
        t: Positions that are drawn, (T,).
        values: The measure there, (T,); NaN and +inf break the curve.
        start: The measure at the earlier checkpoint.
        end: The measure at the last checkpoint.
        length: Distance of the two in weight space.
    """

    pair: int
    number: int
    label: str
    t: np.ndarray
    values: np.ndarray
    start: float
    end: float
    length: float


@dataclass(frozen=True, eq=False)
class FanPanel:
    """One group with its curves, in the order of training, and the axis they are drawn on."""

    group: Group
    curves: tuple[Curve, ...]
    axis: ProfileAxis


def fan_panels(result: xr.Dataset, style: FigureStyle) -> list[FanPanel]:
    """One panel per group; all on one axis unless each shall have its own."""
    groups = groups_of(result)
    found = [_curves(result, group, style) for group in groups]
    shared = curve_axis(
        _all_values([curve for curves in found for curve in curves]), style, measure=style.measure
    )
    return [
        FanPanel(
            group,
            curves,
            shared
            if style.ranges == "shared"
            else curve_axis(_all_values(curves), style, measure=style.measure),
        )
        for group, curves in zip(groups, found, strict=True)
    ]


def drawn_places(values: np.ndarray) -> np.ndarray:
    """Indices of the points of an unfinished curve that are drawn: the finest complete stride, else all.

    Points are evaluated coarse to fine, so a curve is a curve from the beginning.

    Args:
        values: (T,) with NaN where a point has not been evaluated.
    """
    missing = np.isnan(values)
    for power in range(max(len(values) - 1, 1).bit_length() + 1):
        places = np.array(stride_indices(len(values), 2**power))
        if not missing[places].any():
            return places
    return np.arange(len(values))


def _curves(result: xr.Dataset, group: Group, style: FigureStyle) -> tuple[Curve, ...]:
    chosen = result.sel(split=style.split)
    # A few gaps are shown as gaps.
    nearly = np.isnan(result["nll"].values).mean() <= PATCHY
    found = []
    for pair, (first, last) in enumerate(
        zip(result["pair_first"].values, result["pair_last"].values, strict=True)
    ):
        if int(first) in group.members:
            values = chosen[style.measure].isel(pair=pair).values
            known = chosen["nll"].isel(pair=pair).values
            places = np.arange(len(known)) if nearly else drawn_places(known)
            found.append(
                Curve(
                    pair=pair,
                    number=group.members.index(int(first)) + 1,
                    label=group.labels[group.members.index(int(first))],
                    t=result["t"].values[places],
                    values=values[places],
                    start=value_at(chosen, int(first), style),
                    end=value_at(chosen, int(last), style),
                    length=float(result["length"].values[pair]),
                )
            )
    return tuple(found)


def value_at(chosen: xr.Dataset, place: int, style: FigureStyle) -> float:
    """The measure at a checkpoint of one split: rebuilt through the line, or its own as long as that is missing."""
    rebuilt = float(chosen[f"rebuilt_{style.measure}"].values[place])
    return float(chosen[f"own_{style.measure}"].values[place]) if np.isnan(rebuilt) else rebuilt


def _all_values(curves: tuple[Curve, ...] | list[Curve]) -> np.ndarray:
    parts = [np.append(curve.values, [curve.start, curve.end]) for curve in curves]
    return np.concatenate(parts) if parts else np.zeros(0)


def label_places(panel: FanPanel, *, share: float) -> tuple[list[float], list[float]]:
    """Where the curves begin, and where their numbers stand beside them; both as positions on the axis.

    Args:
        panel: The curves; one without a finite value has no place (NaN).
        share: Least distance of two numbers, as a fraction of the axis.
    """
    low, high = panel.axis.limits
    least = share * (high - low)
    places = []
    for curve in panel.curves:
        finite = panel.axis.position(curve.values)
        finite = finite[np.isfinite(finite)]
        places.append(float(np.clip(finite[0], low, high)) if len(finite) else float("nan"))
    return places, spread_labels(places, least=least, low=low + least / 2, high=high - least / 2)
