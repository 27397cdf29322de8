"""A store in the test's own home, and a small result that follows the schema."""

import numpy as np
import pytest
import xarray as xr

from landscape.core.requests import LineRequest
from landscape.core.results import CheckpointRecord, Provenance, provenance_attribute
from landscape.service.store import Store


@pytest.fixture
def store(home):
    return Store(home)


@pytest.fixture
def line_result():
    """A finished line with 7 points that follows the schema."""
    return line_dataset(LineRequest(checkpoints=("a", "b"), points=7))


def line_dataset(request: LineRequest) -> xr.Dataset:
    provenance = Provenance(
        request={}, key=request.key, command="python -m landscape line a b",
        checkpoints=tuple(CheckpointRecord(label=name, digest=name, architecture="mlp") for name in "ab"),
        data="digits", data_digest="d", samples={"train": 5, "test": 3}, weight_decay=0.0, strategy="",
        device="cpu", seconds=0.5, versions={}, created="2026-11-21T00:00:00Z",
    )  # fmt: skip
    t = np.linspace(request.start, request.stop, request.points)
    values = np.stack([t**2 + 0.5, t**2 + 0.75])
    measures = dict.fromkeys(("nll", "loss", "error"), (("split", "t"), values))
    at_checkpoints = {
        f"{place}_{measure}": (("split", "checkpoint"), values[:, [0, -1]])
        for place in ("own", "rebuilt")
        for measure in ("nll", "loss", "error")
    }
    return xr.Dataset(
        {
            **measures,
            "distance": ("t", t),
            "norm": ("t", t),
            "checkpoint_t": ("checkpoint", [0.0, 1.0]),
            **at_checkpoints,
        },
        coords={"t": t, "split": ["train", "test"], "checkpoint": ["a", "b"]},
        attrs={"study": "line", "title": "A line", "provenance": provenance_attribute(provenance)},
    )
