"""Results that were never computed: every number is known beforehand, no two axes are alike."""

import json

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, SPLITS, LineRequest, PlaneRequest
from landscape.core.results import UNITS, CheckpointRecord, Provenance, check_result, provenance_attribute

LABELS = ("snapshot@690", "snapshot@1380", "standard <b>@last</b> & $x$")
DIGESTS = ("a" * 64, "b" * 64, "c" * 64)


def provenance(request, labels, **changes) -> str:
    fields = {
        "request": json.loads(request.to_json()),
        "key": request.key,
        "command": f"python -m landscape {request.study} A B --points 51",
        "checkpoints": tuple(
            CheckpointRecord(label=label, digest=digest, architecture="convnet", step=690)
            for label, digest in zip(labels, DIGESTS, strict=False)
        ),
        "data": "digits",
        "data_digest": "d" * 64,
        "samples": {"train": 1437, "test": 360},
        "weight_decay": 1e-4,
        "strategy": "channels-last, batch 250",
        "device": "cpu",
        "seconds": 12.5,
        "versions": {"landscape": "0.1.0", "torch": "2.13.0"},
        "created": "2026-11-21T01:02:03+00:00",
    }
    return provenance_attribute(Provenance(**{**fields, **changes}))


def plane_result(
    columns=9, rows=7, *, nll=None, labels=LABELS, batch_norm="recalibrate", title="A plane through three"
):
    """A 7 x 9 plane, off the origin, with nll = x + 10 y unless told otherwise: nll(alpha, beta) of arrays."""
    nll = nll or (lambda x, y: x + 10 * y)
    alpha, beta = np.linspace(-1.5, 6.5, columns), np.linspace(0.75, 4.5, rows)
    marks = np.array([[0.0, 1.0], [5.0, 1.0], [2.0, 3.5]])
    grid_x, grid_y = np.meshgrid(alpha, beta)
    data = _measures(nll(grid_x, grid_y), ("beta", "alpha"))
    at_marks = _measures(nll(marks[:, 0], marks[:, 1]), ("checkpoint",))
    request = PlaneRequest(
        checkpoints=DIGESTS, data="d" * 64, batch_norm=batch_norm, columns=columns, rows=rows, margin=0.3
    )
    return check_result(
        xr.Dataset(
            {
                **data,
                "norm": (("beta", "alpha"), 30 + grid_x**2),
                **_twice(at_marks),
                "checkpoint_alpha": ("checkpoint", marks[:, 0]),
                "checkpoint_beta": ("checkpoint", marks[:, 1]),
                "off_plane": ("checkpoint", np.zeros(3)),
            },
            coords={"split": list(SPLITS), "alpha": alpha, "beta": beta, "checkpoint": list(labels)},
            attrs={"study": "plane", "title": title, "provenance": provenance(request, labels)},
        )
    )


def line_result(points=13, *, nll=None, labels=LABELS[:2], batch_norm="recalibrate", title="From A to B"):
    """A line from t = -0.4 to 1.3 whose t = 0 and t = 1 are not on the grid; nll(t) of an array."""
    nll = nll or (lambda t: 1 + t + 4 * t * (1 - t))
    t = np.linspace(-0.4, 1.3, points)
    request = LineRequest(
        checkpoints=DIGESTS[:2], data="d" * 64, batch_norm=batch_norm, points=points, start=-0.4, stop=1.3
    )
    return check_result(
        xr.Dataset(
            {
                **_measures(nll(t), ("t",)),
                "distance": ("t", t * 7.5),
                "norm": ("t", 30 + t**2),
                "checkpoint_t": ("checkpoint", np.array([0.0, 1.0])),
                **_twice(_measures(nll(np.array([0.0, 1.0])), ("checkpoint",))),
            },
            coords={"split": list(SPLITS), "t": t, "checkpoint": list(labels)},
            attrs={"study": "line", "title": title, "provenance": provenance(request, labels)},
        )
    )


def with_values(result: xr.Dataset, value: float, **places: int | slice) -> xr.Dataset:
    """A copy with every measure on every split set to `value` at the given indices."""
    result = result.copy(deep=True)
    for measure in MEASURES:
        result[measure][places] = value
    return result


def basins(x, y):
    """Something that looks like a loss: three valleys between walls, over five decades."""
    wells = [(0.0, 1.0, 0.02), (5.0, 1.0, 0.01), (2.0, 3.5, 0.03)]
    bowls = [depth + 0.25 * ((x - a) ** 2 + 1.4 * (y - b) ** 2) ** 1.2 for a, b, depth in wells]
    return np.minimum.reduce(bowls) * (1 + 0.2 * np.sin(2 * x + y)) + 0.002 * (x**2 + y**2) ** 2


def history(steps=120, cycles=3):
    """A training history with its checkpoints."""
    step = np.arange(1, steps + 1)
    phase = ((step - 1) % (steps // cycles)) / (steps // cycles)
    at = np.arange(0, steps + 1, steps // cycles)
    fit = np.exp(-step / 40)
    return {
        "step": step.astype(np.float64),
        "learning_rate": 0.05 * (np.cos(np.pi * phase) + 1),
        "train_loss": 2.3 * fit + 0.02,
        "train_accuracy": 1 - 0.9 * fit,
        "checkpoint_step": at.astype(np.float64),
        "checkpoint_train_loss": 2.3 * np.exp(-at / 40) + 0.01,
        "checkpoint_test_loss": 2.3 * np.exp(-at / 45) + 0.05,
        "checkpoint_train_accuracy": 1 - 0.9 * np.exp(-at / 40),
        "checkpoint_test_accuracy": 1 - 0.92 * np.exp(-at / 42),
    }


def _measures(nll: np.ndarray, dims: tuple[str, ...]) -> dict:
    # test differs from train and loss from nll, so that a mix-up shows
    nll = np.stack([nll, nll + 0.5])
    values = {"nll": nll, "loss": nll + 0.125, "error": nll / 100}
    return {name: (("split", *dims), values[name], {"units": UNITS[name]}) for name in MEASURES}


def _twice(at_marks: dict) -> dict:
    return {
        f"{source}_{name}": (dims, values.copy(), attrs)
        for name, (dims, values, attrs) in at_marks.items()
        for source in ("own", "rebuilt")
    }
