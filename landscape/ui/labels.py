"""Names of results for a list: unique, since the list finds a result by its name again."""

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr

from landscape.core.errors import ResultError
from landscape.core.results import provenance_of
from landscape.ui.exhibits import Exhibit
from landscape.ui.pictures import read_result


def label_exhibits(exhibits: Sequence[Exhibit]) -> dict[str, str]:
    """By id: the title, and as much of what sets it apart as it takes until no two labels are equal."""
    labels = {
        exhibit.id: f"Example: {exhibit.title}" if exhibit.embedded else exhibit.title for exhibit in exhibits
    }
    for words in _DIFFERENCES:
        counts = Counter(labels.values())
        for exhibit in exhibits:
            label = labels[exhibit.id]
            if counts[label] > 1 and (added := words(exhibit)):
                labels[exhibit.id] = f"{label} · {added}"
    return labels


_POLICIES = {"recalibrate": "recalibrated", "stored": "of A", "interpolate": "interpolated"}


def _size(exhibit: Exhibit) -> str:
    return _facts(exhibit)[0]


def _time(exhibit: Exhibit) -> str:
    return _facts(exhibit)[1]


def _name(exhibit: Exhibit) -> str:
    return exhibit.id


_DIFFERENCES: tuple[Callable[[Exhibit], str], ...] = (_size, _time, _name)


def _facts(exhibit: Exhibit) -> tuple[str, str]:
    try:
        return _read_facts(exhibit.path, exhibit.path.stat().st_mtime_ns)
    except (ResultError, OSError):
        return "", ""  # damaged, which the page says when it is chosen


@functools.lru_cache(maxsize=1024)
def _read_facts(path: Path, modified: int) -> tuple[str, str]:
    """Size and time of a result, both as words; read once per state of the file."""
    del modified
    result = read_result(path)
    provenance = provenance_of(result)
    words = f"{_extent(result)}, {provenance.samples['train']:,} train examples"
    policy = provenance.request.get("batch_norm")
    usual = "stored" if result.attrs["study"] in ("ensemble", "diversity") else "recalibrate"
    if policy not in (None, usual):
        words += f", batch norm {_POLICIES[policy]}"
    return words, provenance.created[:19].replace("T", " ")


def _extent(result: xr.Dataset) -> str:
    match result.attrs["study"]:
        case "plane":
            return f"{result.sizes['alpha']} x {result.sizes['beta']} points"
        case "search":
            return f"{result.sizes['trial']} trials"
        case "ensemble" | "diversity":
            return f"{result.sizes['checkpoint']} networks"
        case "fan":
            return f"{result.sizes['pair']} lines, {result.sizes['t']} points"
        case _:
            return f"{result.sizes['t']:,} points"
