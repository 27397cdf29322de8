"""A result as comma-separated text, one line per point; reading it back gives the same bits."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, SPLITS
from landscape.core.results import SCHEMAS, UNITS, provenance_of
from landscape.figures.marks import marks_of
from landscape.figures.tables_groups import diversity_columns, ensemble_columns, fan_columns, search_columns
from landscape.figures.texts import progress, samples_of

Columns = dict[str, list[object]]

_QUALITY_UNITS = (
    "error: fraction of examples",
    "nll: nat per example",
    "ece: expected calibration error, fraction",
    "brier: Brier score, 0 to 2",
)


@dataclass(frozen=True)
class _Table:
    """How a study becomes a table.

    Attributes:
        columns: The columns of a result, by name, all of one length.
        rows: What a row is, and what the columns mean.
        units: Units of the values.
    """

    columns: Callable[[xr.Dataset], Columns]
    rows: str
    units: tuple[str, ...]


def table(result: xr.Dataset) -> str:
    """All numbers of a result, row by row, after comment lines that begin with `#`.

    Columns: where a row is (line: t and the distance from A; plane: alpha, beta; fan: group, checkpoints, t; ensemble:
    what predicts; diversity: two checkpoints; search: the trial), then the values, of both splits where there are two.
    Numbers are the shortest text that reads back to the same float64. `nan` is not evaluated or not defined, `inf` is
    diverged. `pandas.read_csv(path, comment="#")` reads it, so a # inside a name is left out.
    """
    chosen = _TABLES[result.attrs["study"]]
    columns = chosen.columns(result)
    text = io.StringIO()
    text.writelines(f"# {' '.join(line.split())}\n" for line in _comments(result, chosen))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, str):
        # A comment sign inside a row cuts it off for readers that look for comments everywhere, and a spreadsheet takes
        # what begins with one of four signs for a formula.
        name = " ".join(value.replace("#", "").split())
        return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
    return repr(value) if isinstance(value, int) else repr(float(value))  # type: ignore[arg-type]


def _line_columns(result: xr.Dataset) -> Columns:
    return _grid_columns(result, ("t", "distance"))


def _plane_columns(result: xr.Dataset) -> Columns:
    return _grid_columns(result, ("alpha", "beta"))


def _grid_columns(result: xr.Dataset, names: tuple[str, str]) -> Columns:
    axes = SCHEMAS[result.attrs["study"]].axes
    grid = result["norm"].dims
    columns = {name: result[name].broadcast_like(result["norm"]).transpose(*grid) for name in names}
    columns["norm"] = result["norm"]
    for split in SPLITS:
        for measure in MEASURES:
            columns[f"{split}_{measure}"] = result[measure].sel(split=split).transpose(*axes)
    return {name: list(column.values.reshape(-1).astype(np.float64)) for name, column in columns.items()}


_MEASURE_UNITS = tuple(f"{measure}: {unit}" for measure, unit in UNITS.items())
_TABLES: dict[str, _Table] = {
    "line": _Table(
        _line_columns,
        "axes: t (0 = A, 1 = B), without unit; distance from A, a length in weight space",
        _MEASURE_UNITS,
    ),
    "plane": _Table(
        _plane_columns,
        "axes: alpha (A to B) and beta (across, towards C), lengths in weight space",
        _MEASURE_UNITS,
    ),
    "fan": _Table(
        fan_columns,
        "axes: t (0 = the checkpoint `first`, 1 = the checkpoint `last`) on each line, without unit; length of the "
        "line in weight space",
        _MEASURE_UNITS,
    ),
    "ensemble": _Table(
        ensemble_columns,
        "rows: the ensembles of the last and of the first m networks (size) of each group, each network alone "
        "(member), and the network at the mean of the weights (average); epochs of training that they took "
        "was kept",
        _QUALITY_UNITS,
    ),
    "diversity": _Table(
        diversity_columns,
        "rows: ordered pairs of checkpoints; correlation of softmax outputs in three ways, without unit; "
        "disagreement, fraction of examples",
        (),
    ),
    "search": _Table(
        search_columns,
        "rows: trials; the settings drawn, then validation error (fraction of examples) and loss (nat per example) "
        "after so many epochs",
        (),
    ),
}


def _comments(result: xr.Dataset, chosen: _Table) -> list[str]:
    provenance = provenance_of(result)
    return [
        str(result.attrs.get("title", "")),
        f"study: {result.attrs['study']}",
        chosen.rows,
        *chosen.units,
        *([f"batch norm: {policy}"] if (policy := provenance.request.get("batch_norm")) else []),
        f"weight decay: {provenance.weight_decay!r}",
        f"data: {provenance.data} (sha256 {provenance.data_digest})",
        "examples: " + ", ".join(f"{count} {name}" for name, count in samples_of(provenance)),
        *_checkpoint_lines(result),
        f"command: {provenance.command}",
        f"key: {provenance.key}",
        f"created: {provenance.created}",
        f"complete: {progress(result) or 'yes'}",
    ]


def _checkpoint_lines(result: xr.Dataset) -> list[str]:
    records = provenance_of(result).checkpoints
    match result.attrs["study"]:
        case "line":
            places = [f" at t = {mark.x!r}" for mark in marks_of(result, "train")]
        case "plane":
            places = [f" at alpha = {mark.x!r}, beta = {mark.y!r}" for mark in marks_of(result, "train")]
        case _:
            return [f"checkpoint {record.label} (sha256 {record.digest})" for record in records]
    names = [mark.name for mark in marks_of(result, "train")]
    return [
        f"checkpoint {name}{place} (sha256 {record.digest})"
        for name, place, record in zip(names, places, records, strict=True)
    ]
