"""A result as comma-separated text, one line per point; reading it back gives the same bits."""

import csv
import io

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, SPLITS
from landscape.core.results import SCHEMAS, UNITS, provenance_of
from landscape.figures.marks import marks_of
from landscape.figures.texts import progress

_LINE_AXES = "t (0 = A, 1 = B), without unit; distance from A, a length in weight space"
_PLANE_AXES = "alpha (A to B) and beta (across, towards C), lengths in weight space"


def table(result: xr.Dataset) -> str:
    """The points of a line or plane, row by row, after comment lines that begin with `#`.

    Columns: the axes (line: t and the distance from A; plane: alpha, beta), the norm of theta, then `train_nll`, ...,
    `test_error`. Numbers are the shortest text that reads back to the same float64. `nan` is a point not evaluated,
    `inf` one that diverged. `pandas.read_csv(path, comment="#")` reads it.
    """
    columns = _columns(result)
    text = io.StringIO()
    text.writelines(f"# {' '.join(line.split())}\n" for line in _comments(result))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([repr(float(value)) for value in row])
    return text.getvalue()


def _columns(result: xr.Dataset) -> dict[str, np.ndarray]:
    on_line = result.attrs["study"] == "line"
    axes = SCHEMAS[result.attrs["study"]].axes
    grid = result["norm"].dims
    names = ("t", "distance") if on_line else ("alpha", "beta")
    columns = {name: result[name].broadcast_like(result["norm"]).transpose(*grid) for name in names}
    columns["norm"] = result["norm"]
    for split in SPLITS:
        for measure in MEASURES:
            columns[f"{split}_{measure}"] = result[measure].sel(split=split).transpose(*axes)
    return {name: column.values.reshape(-1).astype(np.float64) for name, column in columns.items()}


def _comments(result: xr.Dataset) -> list[str]:
    provenance = provenance_of(result)
    on_line = result.attrs["study"] == "line"
    lines = [
        str(result.attrs.get("title", "")),
        f"study: {result.attrs['study']}",
        f"axes: {_LINE_AXES if on_line else _PLANE_AXES}",
        *(f"{measure}: {unit}" for measure, unit in UNITS.items()),
        f"batch norm: {provenance.request.get('batch_norm')}",
        f"weight decay: {provenance.weight_decay!r}",
        f"data: {provenance.data} (sha256 {provenance.data_digest})",
        "examples: " + ", ".join(f"{provenance.samples[split]} {split}" for split in SPLITS),
    ]
    for mark, record in zip(marks_of(result, "train"), provenance.checkpoints, strict=True):
        place = f"t = {mark.x!r}" if on_line else f"alpha = {mark.x!r}, beta = {mark.y!r}"
        lines.append(f"checkpoint {mark.name} at {place} (sha256 {record.digest})")
    lines += [
        f"command: {provenance.command}",
        f"key: {provenance.key}",
        f"created: {provenance.created}",
        f"complete: {progress(result) or 'yes'}",
    ]
    return lines
