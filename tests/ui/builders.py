"""Small results with known values, put into a working folder as if they had been computed."""

import numpy as np
import xarray as xr

from landscape.core.requests import LineRequest, PlaneRequest
from landscape.core.results import CheckpointRecord, Provenance, provenance_attribute
from landscape.service.home import Home
from landscape.service.store import Store

PLACES = {"w1": (0.0, 0.0), "w2": (9.0, 0.0), "w3": (4.0, 7.0)}


def bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A loss with a basin at each checkpoint; positive everywhere."""
    basins = [np.hypot(x - a, y - b) for a, b in PLACES.values()]
    return 0.02 + 0.9 * np.min(basins, axis=0) ** 1.7 + 0.002 * (x - 4) ** 4 / 16


def plane_result(
    *, columns: int = 21, rows: int = 17, title: str = "Plane through w1, w2 and w3", seed: int = 0
) -> xr.Dataset:
    """A complete plane; its nll is `bowl`, its test values a fifth higher."""
    alpha, beta = np.linspace(-2, 11, columns), np.linspace(-1.5, 8.5, rows)
    values = bowl(*np.meshgrid(alpha, beta))
    at = np.array([bowl(np.float64(a), np.float64(b)) for a, b in PLACES.values()])
    dims = ("split", "beta", "alpha")
    request = PlaneRequest(checkpoints=("a" * 64, "b" * 64, "c" * 64), columns=columns, rows=rows, sample_seed=seed)
    return xr.Dataset(
        {
            **_measures(dims, values),
            **_at_checkpoints(at),
            "norm": (("beta", "alpha"), np.hypot(*np.meshgrid(alpha, beta)) + 20),
            "checkpoint_alpha": (("checkpoint",), np.array([a for a, _ in PLACES.values()])),
            "checkpoint_beta": (("checkpoint",), np.array([b for _, b in PLACES.values()])),
            "off_plane": (("checkpoint",), np.zeros(3)),
        },
        coords={"split": ["train", "test"], "checkpoint": list(PLACES), "alpha": alpha, "beta": beta},
        attrs={"study": "plane", "title": title, "provenance": _provenance(request, tuple(PLACES))},
    )


def line_result(*, points: int = 31, title: str = "Line from w1 to w2", seed: int = 0) -> xr.Dataset:
    """A complete line of length 9 with a barrier in the middle."""
    t = np.linspace(-0.5, 1.5, points)
    values = 0.05 + 2.0 * np.exp(-(((t - 0.5) / 0.2) ** 2)) + 0.4 * np.maximum(0, np.abs(t - 0.5) - 0.5)
    request = LineRequest(checkpoints=("a" * 64, "b" * 64), points=points, start=-0.5, stop=1.5, sample_seed=seed)
    return xr.Dataset(
        {
            **_measures(("split", "t"), values),
            **_at_checkpoints(np.full(2, 0.05)),
            "distance": (("t",), 9.0 * t),
            "norm": (("t",), np.full(points, 20.0)),
            "checkpoint_t": (("checkpoint",), np.array([0.0, 1.0])),
        },
        coords={"split": ["train", "test"], "checkpoint": ["w1", "w2"], "t": t},
        attrs={"study": "line", "title": title, "provenance": _provenance(request, ("w1", "w2"))},
    )


def put_result(home: Home, result: xr.Dataset) -> str:
    """Keep a result in a working folder; returns its key."""
    from landscape.core.results import provenance_of

    key = provenance_of(result).key
    Store(home).put(key, result)
    return key


def _measures(dims: tuple[str, ...], values: np.ndarray) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    nll = np.stack([values, 1.2 * values])
    return {
        "nll": (dims, nll),
        "loss": (dims, nll + 0.01),
        "error": (dims, nll / (4 + nll)),
    }


def _at_checkpoints(nll: np.ndarray) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    measures = _measures(("split", "checkpoint"), nll)
    return {f"{kind}_{name}": value for kind in ("own", "rebuilt") for name, value in measures.items()}


def _provenance(request: LineRequest | PlaneRequest, labels: tuple[str, ...]) -> str:
    import json

    return provenance_attribute(
        Provenance(
            request=json.loads(request.to_json()),
            key=request.key,
            command=f"python -m landscape {request.study} " + " ".join(f"run@{label}" for label in labels),
            checkpoints=tuple(
                CheckpointRecord(label=label, digest=letter * 64, architecture="convnet", step=690, source=f"run@{label}")
                for label, letter in zip(labels, "abc", strict=False)
            ),
            data="digits",
            data_digest="d" * 64,
            samples={"train": 1437, "test": 360},
            weight_decay=1e-4,
            strategy="channels last, 256 images at once",
            device="cpu",
            seconds=12.5,
            versions={"landscape": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "python": "3.11.2"},
            created="2026-11-21T02:00:00+00:00",
        )
    )
