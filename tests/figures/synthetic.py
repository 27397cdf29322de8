"""Results that were never computed: every number is known beforehand, no two axes are alike."""

import numpy as np
import xarray as xr

from landscape.core.requests import MEASURES, SPLITS, LineRequest, PlaneRequest
from landscape.core.results import check_result
from tests.figures.synthetic_groups import diversity_result as diversity_result
from tests.figures.synthetic_groups import ensemble_result as ensemble_result
from tests.figures.synthetic_groups import fan_result as fan_result
from tests.figures.synthetic_groups import search_result as search_result
from tests.figures.synthetic_parts import DIGESTS, LABELS, measures, provenance, twice


def plane_result(
    columns=9, rows=7, *, nll=None, labels=LABELS, batch_norm="recalibrate", title="A plane through three"
):
    """A 7 x 9 plane, off the origin, with nll = x + 10 y unless told otherwise: nll(alpha, beta) of arrays."""
    nll = nll or (lambda x, y: x + 10 * y)
    alpha, beta = np.linspace(-1.5, 6.5, columns), np.linspace(0.75, 4.5, rows)
    marks = np.array([[0.0, 1.0], [5.0, 1.0], [2.0, 3.5]])
    grid_x, grid_y = np.meshgrid(alpha, beta)
    data = measures(nll(grid_x, grid_y), ("beta", "alpha"))
    at_marks = measures(nll(marks[:, 0], marks[:, 1]), ("checkpoint",))
    request = PlaneRequest(
        checkpoints=DIGESTS, data="d" * 64, batch_norm=batch_norm, columns=columns, rows=rows, margin=0.3
    )
    return check_result(
        xr.Dataset(
            {
                **data,
                "norm": (("beta", "alpha"), 30 + grid_x**2),
                **twice(at_marks),
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
                **measures(nll(t), ("t",)),
                "distance": ("t", t * 7.5),
                "norm": ("t", 30 + t**2),
                "checkpoint_t": ("checkpoint", np.array([0.0, 1.0])),
                **twice(measures(nll(np.array([0.0, 1.0])), ("checkpoint",))),
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
