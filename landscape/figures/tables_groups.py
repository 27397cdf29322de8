"""The columns of the studies of groups of checkpoints, and of a search."""

import numpy as np
import xarray as xr

from landscape.core.measures import epochs_spent
from landscape.core.requests import MEASURES, SPLITS
from landscape.core.results import CORRELATIONS, QUALITIES
from landscape.figures.groups import groups_of

Columns = dict[str, list[object]]

_VALUES = tuple(f"{split}_{quality}" for split in SPLITS for quality in QUALITIES)


def fan_columns(result: xr.Dataset) -> Columns:
    """One row per point: the line, t, and all measures; line by line."""
    labels = [str(label) for label in result["checkpoint"].values]
    groups = [str(name) for name in result["checkpoint_group"].values]
    first, last = (result[name].values.astype(int) for name in ("pair_first", "pair_last"))
    count = result.sizes["t"]
    columns: Columns = {
        "group": [groups[place] for place in first for _ in range(count)],
        "first": [labels[place] for place in first for _ in range(count)],
        "last": [labels[place] for place in last for _ in range(count)],
        "length": list(np.repeat(result["length"].values, count)),
        "t": list(np.tile(result["t"].values, len(first))),
        "norm": list(result["norm"].transpose("pair", "t").values.reshape(-1)),
    }
    for split in SPLITS:
        for measure in MEASURES:
            values = result[measure].sel(split=split).transpose("pair", "t").values
            columns[f"{split}_{measure}"] = list(values.reshape(-1))
    return columns


def ensemble_columns(result: xr.Dataset) -> Columns:
    """One row per ensemble, per member alone, and per average of weights; group by group."""
    names = ("group", "kind", "order", "size", "checkpoint", "epochs", *_VALUES)
    columns: Columns = {name: [] for name in names}
    for group in groups_of(result):
        at = list(group.members)
        for order in (str(order) for order in result["order"].values):
            joining = at[::-1] if order == "last" else at
            chosen = result.sel(order=order).isel(group=group.place)
            for size in range(1, len(at) + 1):
                values = [
                    chosen[name].sel(split=split).values[size - 1] for split in SPLITS for name in QUALITIES
                ]
                spent = epochs_spent(result, joining[:size])
                _add(columns, group.name, "ensemble", order, size, "", spent, *values)
        for place, label in zip(at, group.labels, strict=True):
            values = [
                result[f"member_{name}"].sel(split=split).values[place]
                for split in SPLITS
                for name in QUALITIES
            ]
            _add(columns, group.name, "member", "", 1, label, epochs_spent(result, [place]), *values)
        values = [
            result[f"average_{name}"].sel(split=split).values[group.place]
            for split in SPLITS
            for name in QUALITIES
        ]
        _add(columns, group.name, "average", "", 1, "", epochs_spent(result, at), *values)
    return columns


def diversity_columns(result: xr.Dataset) -> Columns:
    """One row per ordered pair of checkpoints."""
    labels: list[object] = [str(label) for label in result["checkpoint"].values]
    groups: list[object] = [str(name) for name in result["checkpoint_group"].values]
    count = len(labels)
    columns: Columns = {
        "group": [name for name in groups for _ in range(count)],
        "checkpoint": [label for label in labels for _ in range(count)],
        "other_group": groups * count,
        "other": labels * count,
    }
    for split in SPLITS:
        chosen = result.sel(split=split)
        for variant in CORRELATIONS:
            values = chosen["correlation"].sel(variant=variant).transpose("checkpoint", "other").values
            columns[f"{split}_correlation_{variant.replace(' ', '_')}"] = list(values.reshape(-1))
        values = chosen["disagreement"].transpose("checkpoint", "other").values
        columns[f"{split}_disagreement"] = list(values.reshape(-1))
    return columns


def search_columns(result: xr.Dataset) -> Columns:
    """One row per trial."""
    columns: Columns = {
        "trial": [int(number) for number in result["trial"].values],
        "state": [str(state) for state in result["state"].values],
        "run": [str(run) for run in result["run"].values],
    }
    for place, name in enumerate(result["parameter"].values):
        columns[str(name)] = list(result["value"].values[:, place])
    for stage, epochs in enumerate(result["stage_epochs"].values):
        for name in ("validation_error", "validation_loss"):
            columns[f"{name}_{int(epochs)}"] = list(result[name].values[:, stage])
    return columns


def _add(columns: Columns, *values: object) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)
