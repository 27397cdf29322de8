"""Pairs of checkpoints in a drawn figure: which one was clicked, and where it is, to be marked."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from landscape.ui.chart import CellProbe, Click, CurveProbe

# Shapes: R, C rows and columns of a matrix · T points of a curve

Pair = tuple[int, int]  # places of two checkpoints in the result

_NUMBERED = re.compile(r"(\d+): ")
_AXIS = re.compile(r"x(\d*)")


@dataclass(frozen=True, eq=False)
class DrawnMatrix:
    """A matrix of pairs: its panel, and the pair of each cell, shape (R, C, 2)."""

    panel: int
    pairs: np.ndarray


@dataclass(frozen=True, eq=False)
class DrawnCurve:
    """The curve of one pair: its panel, its place among the traces, and its points, (T,) each."""

    panel: int
    trace: int
    pair: Pair
    x: np.ndarray
    y: np.ndarray


DrawnPairs = tuple[DrawnMatrix | DrawnCurve, ...]


def find_pairs(figure: go.Figure, result: xr.Dataset) -> DrawnPairs:
    """What of a figure belongs to pairs of checkpoints."""
    match result.attrs["study"]:
        case "diversity":
            # Several matrices lie on each other; each cell of the first knows its pair.
            found: dict[int, DrawnMatrix] = {}
            for trace in figure.data:
                if isinstance(trace, go.Heatmap) and trace.customdata is not None:
                    panel = _panel(trace)
                    found.setdefault(panel, DrawnMatrix(panel, np.asarray(trace.customdata, int)))
            return tuple(found.values())
        case "fan":
            return _curves(figure, result)
        case _:
            return ()


def pair_at(drawn: DrawnPairs, click: Click) -> Pair | None:
    """The pair whose cell was clicked, or whose curve is nearest; None where there is none, or one with itself."""
    nearest, distance = None, np.inf
    for part in drawn:
        if part.panel != click.panel:
            continue
        if isinstance(part, DrawnMatrix):
            row, column = round(click.y), round(click.x)
            if 0 <= row < part.pairs.shape[0] and 0 <= column < part.pairs.shape[1]:
                first, last = (int(place) for place in part.pairs[row, column])
                return None if first == last else (first, last)
            continue
        known = np.isfinite(part.y)
        if known.any():
            gap = abs(float(np.interp(click.x, part.x[known], part.y[known])) - click.y)
            nearest, distance = (part.pair, gap) if gap < distance else (nearest, distance)
    return nearest


def probe_of_pair(drawn: DrawnPairs, pair: Pair | None) -> CellProbe | CurveProbe | None:
    """The mark of a pair in the figure; None if it is not drawn."""
    for part in drawn if pair is not None else ():
        if isinstance(part, DrawnCurve) and part.pair == pair:
            return {"kind": "curve", "trace": part.trace}
        if isinstance(part, DrawnMatrix):
            cells = np.argwhere((part.pairs == pair).all(axis=-1))
            if len(cells):
                row, column = (int(index) for index in cells[0])
                return {"kind": "cell", "panel": part.panel, "row": row, "column": column}
    return None


def _curves(figure: go.Figure, result: xr.Dataset) -> DrawnPairs:
    names = result["checkpoint_group"].values.astype(str)
    groups = [np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())]
    found = []
    traces: list[Any] = list(figure.data)
    for place, trace in enumerate(traces):
        # The figure numbers each curve by the place of its earlier checkpoint in the group, from 1.
        number = _NUMBERED.match(trace.name or "")
        if not isinstance(trace, go.Scatter) or number is None:
            continue
        panel = _panel(trace)
        members = groups[panel]
        pair = (int(members[int(number[1]) - 1]), int(members[-1]))
        found.append(DrawnCurve(panel, place, pair, np.asarray(trace.x, float), np.asarray(trace.y, float)))
    return tuple(found)


def _panel(trace: go.Scatter | go.Heatmap) -> int:
    axis = _AXIS.fullmatch(str(trace.xaxis or "x"))
    return int(axis[1]) - 1 if axis and axis[1] else 0
