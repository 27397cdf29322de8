"""One sentence that says what is to be seen in a result, made from its numbers."""

from typing import TYPE_CHECKING

import numpy as np

from landscape.core.measures import line_barrier
from landscape.core.requests import Measure, Split

if TYPE_CHECKING:
    import xarray as xr


def finding(result: "xr.Dataset") -> str:
    """The sentence for a line or plane result: train loss (with weight decay, as it is drawn), and test error."""
    return _line(result) if result.attrs["study"] == "line" else _plane(result)


def spread(result: "xr.Dataset", *, measure: Measure, split: Split) -> str:
    """From where to where a measure goes over a plane, such as "from 0.02 to 2.1 nats"."""
    values = result[measure].sel(split=split).values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if measure == "error":
        return f"from {low:.1%} to {high:.1%}"
    return f"from {low:.2g} to {high:.2g} nats"


def _line(result: "xr.Dataset") -> str:
    first, last = (str(label) for label in result["checkpoint"].values)
    ends = _at_checkpoints(result, "loss", "train")
    found = line_barrier(result, measure="loss", split="train")
    if np.isinf(found.height):
        return f"On the straight line from {first} to {last} the network diverges at t = {found.t:.2f}."
    if found.height == 0:
        return (
            f"There is no barrier between {first} and {last}: the train loss nowhere rises above the straight line "
            f"between its end values of {ends[0]:.2g} and {ends[1]:.2g} nats."
        )
    t = result["t"].values
    between = result["error"].sel(split="test").values[(t >= 0) & (t <= 1)]
    errors = _at_checkpoints(result, "error", "test")
    return (
        f"Between {first} and {last} the train loss rises {found.height:.2g} nats above the straight line between its "
        f"end values (most at t = {found.t:.2f}), and the test error reaches {between.max():.1%}, against "
        f"{errors[0]:.1%} and {errors[1]:.1%} at the ends."
    )


def _plane(result: "xr.Dataset") -> str:
    middle = result.sel(
        alpha=float(result["checkpoint_alpha"].mean()),
        beta=float(result["checkpoint_beta"].mean()),
        method="nearest",
    )
    losses = _listed([f"{loss:.2g}" for loss in _at_checkpoints(result, "loss", "train")])
    errors = _listed([f"{error:.1%}" for error in _at_checkpoints(result, "error", "test")])
    return (
        f"The train loss is {losses} nats at the three checkpoints and {float(middle['loss'].sel(split='train')):.2g} "
        f"at the grid point nearest to their mean; the test error is {errors} at the checkpoints and "
        f"{float(middle['error'].sel(split='test')):.1%} there."
    )


def _at_checkpoints(result: "xr.Dataset", measure: Measure, split: Split) -> np.ndarray:
    return result[f"own_{measure}"].sel(split=split).values


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
